import type { AnnotationQuery, QueryEditorProps } from '@grafana/data';
import { Stack } from '@grafana/ui';
import React from 'react';

import { takes } from '../catalogue';
import type { DataSource } from '../datasource';
import { withMetric } from '../query';
import type { Query, Settings } from '../types';
import { ChoiceSelect } from './ChoiceSelect';
import { MetricExplained, MetricSelect, MetricsError } from './MetricSelect';
import { useAsync } from './useAsync';
import { useChange } from './useChange';

type Props = QueryEditorProps<DataSource, Query, Settings> & {
  annotation?: AnnotationQuery<Query>;
  onAnnotationChange?: (annotation: AnnotationQuery<Query>) => void;
};

/** AnnotationsQueryEditor says which moments a dashboard marks, and of which stream. */
export function AnnotationsQueryEditor({ datasource, query, onChange, onRunQuery, range }: Props) {
  const metrics = useAsync(
    async () => (await datasource.metrics()).filter((m) => m.kind === 'annotations'),
    datasource.uid
  );
  const metric = metrics.value?.find((m) => m.id === query.metric);
  const can = metric && takes(metric);
  const run = useChange(query, onChange, onRunQuery);
  const change = (part: Partial<Query>) => run((was) => ({ ...was, queryType: 'annotations', ...part }));
  const from = { datasource, range };
  return (
    <Stack direction="column" gap={1.5}>
      <MetricsError metrics={metrics} />
      <Stack direction="row" gap={1.5} wrap="wrap" alignItems="flex-start">
        <MetricSelect
          metrics={metrics}
          label="What to mark"
          value={query.metric}
          onChange={(next) => run((was) => (was.metric === next.id ? was : withMetric(was, next)))}
        />
        {can?.service && (
          <ChoiceSelect
            {...from}
            label="Service"
            name="services"
            required
            value={query.service}
            onChange={(service) => change({ service })}
          />
        )}
        {can?.stream && (
          <>
            <ChoiceSelect
              {...from}
              label="Model"
              name="models"
              service={query.service}
              all="All models"
              value={query.model}
              onChange={(model) => change({ model })}
            />
            <ChoiceSelect
              {...from}
              label="Log type"
              name="log_types"
              service={query.service}
              all="All log types"
              value={query.logType}
              onChange={(logType) => change({ logType })}
            />
          </>
        )}
      </Stack>
      {metric && <MetricExplained metric={metric} />}
    </Stack>
  );
}
