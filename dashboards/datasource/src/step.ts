/** The widths of windows that the editor offers. Any multiple of 60 s can be typed. */
export const steps: Array<{ value: string; label: string; description?: string }> = [
  { value: 'auto', label: 'Auto', description: 'By the panel’s width and the time range' },
  { value: '60', label: '1 minute', description: 'The finest there is' },
  { value: '300', label: '5 minutes', description: 'Usual for burstiness (ServeGen)' },
  { value: '1200', label: '20 minutes', description: 'BurstGPT’s width' },
  { value: '3600', label: '1 hour' },
  { value: '86400', label: '1 day' },
  { value: '0', label: 'Whole range', description: 'One window of the time range' },
];

const seconds: Record<string, number> = { s: 1, m: 60, min: 60, h: 3600, d: 86400 };

/** parseStep reads what was typed as a width: seconds, or a number with s, m, h or d. Template variables stay as they are. */
export function parseStep(text: string): string {
  const typed = /^(\d+)\s*(s|m|min|h|d)$/.exec(text.trim());
  return typed ? String(Number(typed[1]) * (seconds[typed[2] ?? 's'] ?? 1)) : text.trim();
}

/** stepError says what is wrong with a query's step, or nothing. */
export function stepError(step: string | undefined): string | undefined {
  if (step === undefined || step === 'auto' || step.includes('$') || step.includes('[[')) {
    return undefined;
  }
  const n = Number(step);
  if (!/^\d+$/.test(step) || n % 60 !== 0) {
    return `A step is a multiple of 60 s, such as 300 or 5m: what is stored are minutes. “${step}” is not.`;
  }
  return undefined;
}
