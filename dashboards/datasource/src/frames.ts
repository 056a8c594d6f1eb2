import { type DataFrame, type DataQueryResponse, type Field, FieldType } from '@grafana/data';

/** What a query that was sent stands for: the panel's query, and what tells it from the others of that one. */
export interface Origin {
  refId: string;
  labels: Record<string, string>;
}

/**
 * rejoin gives the answers of queries that one query was made of back as that query's. The backend has named their series apart,
 * and labelled them; a table has no series, so its frame gets the name, which Grafana's table panel offers as a choice.
 */
export function rejoin(response: DataQueryResponse, origins: Map<string, Origin>): DataQueryResponse {
  if (origins.size === 0) {
    return response;
  }
  const back = <T extends { refId?: string }>(of: T): T => {
    const origin = origins.get(of.refId ?? '');
    return origin ? { ...of, refId: origin.refId } : of;
  };
  return {
    ...response,
    data: response.data.map((frame: DataFrame) => {
      const name = Object.values(origins.get(frame.refId ?? '')?.labels ?? {}).join(' · ');
      return name && !frame.fields.some(isTime) ? { ...back(frame), name } : back(frame);
    }),
    ...(response.error ? { error: back(response.error) } : {}),
    ...(response.errors ? { errors: response.errors.map(back) } : {}),
  };
}

/**
 * withRecent gives the historic frames with the rows of recent ones put in the place of theirs. What is recent is the truth
 * from its first row on: the windows there are still filling. Series are known by their name and labels.
 */
export function withRecent(historic: DataFrame[], recent: DataFrame[]): DataFrame[] {
  const rest = new Set(recent.filter((frame) => frame.length > 0));
  const merged = historic.map((frame) => {
    const newer = [...rest].find((r) => r.refId === frame.refId && matches(frame, r));
    if (!newer) {
      return frame;
    }
    rest.delete(newer);
    return spliced(frame, newer);
  });
  return [...merged, ...[...rest].filter((frame) => !historic.some((h) => h.refId === frame.refId && h.length > 0))];
}

const isTime = (field: Field) => field.type === FieldType.time;

function key(field: Field): string {
  const labels = Object.entries(field.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([field.name, labels]);
}

function matches(frame: DataFrame, newer: DataFrame): boolean {
  if (!frame.fields.some(isTime) || !newer.fields.some(isTime)) {
    return false;
  }
  const there = new Set(newer.fields.filter((f) => !isTime(f)).map(key));
  const series = frame.fields.filter((f) => !isTime(f));
  return series.length === 0 || series.some((f) => there.has(key(f)));
}

function spliced(frame: DataFrame, newer: DataFrame): DataFrame {
  const time = frame.fields.find(isTime);
  const recentTime = newer.fields.find(isTime);
  if (!time || !recentTime) {
    return frame;
  }
  // A live buffer may hold a window several times, each fuller than the one before: the last counts.
  const last = new Map<number, number>();
  for (const [row, at] of [...recentTime.values].entries()) {
    last.set(at, row);
  }
  const rows = [...last].sort(([a], [b]) => a - b);
  const from = rows[0]?.[0] ?? Number.POSITIVE_INFINITY;
  const kept: number[] = [...time.values].flatMap((at, row) => (at < from ? [row] : []));
  const recentFields = new Map(newer.fields.filter((f) => !isTime(f)).map((f) => [key(f), f]));
  // A field without a newer self has nothing to say about the recent windows.
  return {
    ...frame,
    length: kept.length + rows.length,
    fields: frame.fields.map((field) => {
      const recent = isTime(field) ? recentTime : recentFields.get(key(field));
      return {
        ...field,
        state: undefined,
        values: [...kept.map((row) => field.values[row]), ...rows.map(([, row]) => recent?.values[row] ?? null)],
      } as Field;
    }),
  };
}
