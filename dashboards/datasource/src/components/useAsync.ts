import { useCallback, useEffect, useState } from 'react';

/** What is known of something asked for. */
export interface Asked<T> {
  value?: T;
  loading: boolean;
  error?: string;
  again: () => void;
}

/**
 * useAsync asks when the key changes, and again on demand. An answer that comes after the next question is dropped; what was known
 * stays until then, so that a list does not blink.
 */
export function useAsync<T>(ask: () => Promise<T>, key: string): Asked<T> {
  const [state, setState] = useState<Omit<Asked<T>, 'again'>>({ loading: true });
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says what is asked; ask is another function on each render
  useEffect(() => {
    let current = true;
    setState((was) => ({ ...was, loading: true }));
    ask().then(
      (value) => current && setState({ value, loading: false }),
      (error) => current && setState((was) => ({ ...was, loading: false, error: reason(error) }))
    );
    return () => {
      current = false;
    };
  }, [key, turn]);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  return { ...state, again };
}

/** reason reads what the backend said of a resource that it could not give. */
export function reason(error: unknown): string {
  const failed = error as
    | { data?: { error?: string; message?: string }; message?: string; statusText?: string }
    | undefined;
  return (
    failed?.data?.error ??
    failed?.data?.message ??
    failed?.message ??
    failed?.statusText ??
    'the backend did not answer'
  );
}
