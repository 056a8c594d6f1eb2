const schemes = ['clickhouse:', 'clickhouses:', 'http:', 'https:'];

/** addressError says what is wrong with the server's address, or nothing. An empty one is the default's. */
export function addressError(address: string | undefined): string | undefined {
  const text = address?.trim();
  if (!text || text.includes('$')) {
    return undefined;
  }
  const scheme = /^([a-z]+:)\/\//i.exec(text)?.[1]?.toLowerCase();
  if (!scheme || !schemes.includes(scheme)) {
    return 'An address begins with clickhouse://, clickhouses://, http:// or https://, such as clickhouse://clickhouse:9000.';
  }
  let url: URL;
  try {
    // Other schemes than http's are not taken apart by all browsers.
    url = new URL(text.replace(/^[a-z]+:/i, 'http:'));
  } catch {
    return 'After :// a host and a port have to stand, such as clickhouse://clickhouse:9000.';
  }
  if (url.username || url.password) {
    return 'User and password have fields of their own: here everyone who may see the settings could read them.';
  }
  return undefined;
}

/** numberError says what is wrong with a limit, or nothing. */
export function numberError(value: number | undefined, whole: boolean): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (!(value > 0) || (whole && !Number.isInteger(value))) {
    return whole ? 'A whole number above 0, or empty for the default.' : 'A number above 0, or empty for the default.';
  }
  return undefined;
}
