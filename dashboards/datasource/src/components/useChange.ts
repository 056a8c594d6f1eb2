import { useRef } from 'react';

/**
 * useChange gives a function that changes a query and runs it, if it is changed at all: a list may report one choice several
 * times, before the editor is shown again, and each run is a query of the database.
 */
export function useChange<Q extends object>(
  query: Q,
  onChange: (query: Q) => void,
  onRunQuery?: () => void
): (next: Q | ((query: Q) => Q)) => void {
  const latest = useRef(query);
  latest.current = query;
  return (to) => {
    const next = typeof to === 'function' ? to(latest.current) : to;
    if (JSON.stringify(next) === JSON.stringify(latest.current)) {
      return;
    }
    latest.current = next;
    onChange(next);
    onRunQuery?.();
  };
}
