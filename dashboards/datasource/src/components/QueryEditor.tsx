import type { QueryEditorProps } from '@grafana/data';
import { RadioButtonGroup, Stack } from '@grafana/ui';
import React, { useEffect } from 'react';

import type { DataSource } from '../datasource';
import { defaultQuery, firstSQL } from '../query';
import type { Query, Settings } from '../types';
import { MetricQueryEditor } from './MetricQueryEditor';
import { SqlQueryEditor } from './SqlQueryEditor';

export type Props = QueryEditorProps<DataSource, Query, Settings>;

const modes: Array<{ value: 'metric' | 'sql'; label: string; description: string }> = [
  { value: 'metric', label: 'Metric', description: 'Choose a number of the catalogue' },
  { value: 'sql', label: 'SQL', description: 'Ask the views in ClickHouse’s SQL, read-only' },
];

/** QueryEditor is a panel's query: a choice of metric, or SQL. Switching keeps what the other mode has. */
export function QueryEditor(props: Props) {
  const { datasource, onChange, onRunQuery } = props;
  const fresh = !props.query.queryType && !props.query.metric && !props.query.sql;
  const query: Query = fresh ? { ...defaultQuery(datasource.variableNames()), ...props.query } : props.query;
  const mode = query.queryType === 'sql' ? 'sql' : 'metric';

  // Grafana fills a new query in itself, but not everywhere: Explore and alert rules begin with an empty one.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when a query without anything in it is shown
  useEffect(() => {
    if (fresh) {
      onChange(query);
    }
  }, [fresh]);

  const switchTo = (next: 'metric' | 'sql') => {
    onChange(
      next === 'sql'
        ? {
            ...query,
            queryType: 'sql',
            sql: query.sql ?? firstSQL(query.service),
            format: query.format ?? 'time_series',
          }
        : { ...query, queryType: 'metric' }
    );
    onRunQuery();
  };

  return (
    <Stack direction="column" gap={2}>
      <div>
        <RadioButtonGroup aria-label="Kind of query" size="sm" options={modes} value={mode} onChange={switchTo} />
      </div>
      {mode === 'sql' ? <SqlQueryEditor {...props} query={query} /> : <MetricQueryEditor {...props} query={query} />}
    </Stack>
  );
}
