import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Button, Combobox, type ComboboxOption, Field, useStyles2 } from '@grafana/ui';
import React, { useCallback, useId } from 'react';

import { kindOf, search, selectable, shortTitle, unitOf } from '../catalogue';
import type { Metric } from '../types';
import type { Asked } from './useAsync';

interface Props {
  metrics: Asked<Metric[]>;
  value: string | undefined;
  onChange: (metric: Metric) => void;
  label?: string;
  width?: number;
}

/** MetricSelect offers the catalogue by section, searched in ids, titles and descriptions. */
export function MetricSelect({ metrics, value, onChange, label = 'Metric', width = 44 }: Props) {
  const id = useId();
  const known = metrics.value;
  const options = useCallback(async (text: string) => search(known ?? [], text).map(option), [known]);
  const chosen = known?.find((m) => m.id === value);
  const unknown = Boolean(known && value && !chosen && !value.includes('$'));

  return (
    <Field
      label={label}
      htmlFor={id}
      noMargin
      invalid={unknown}
      error={unknown ? `The backend knows no metric “${value}”. Choose another, or update the plugin.` : undefined}
    >
      <Combobox
        id={id}
        options={options}
        value={chosen ? option(chosen) : (value ?? null)}
        loading={metrics.loading}
        disabled={!known && !metrics.loading}
        placeholder={placeholder(metrics)}
        noOptionsMessage="No metric has these words."
        width={width}
        onChange={(picked) => {
          const metric = known?.find((m) => m.id === picked.value);
          if (metric) {
            onChange(metric);
          }
        }}
      />
    </Field>
  );
}

function placeholder(metrics: Asked<Metric[]>): string {
  if (metrics.loading) {
    return 'Loading…';
  }
  return metrics.value?.length === 0 ? 'The backend offers none' : 'Search: burstiness, ttft, failure…';
}

function option(metric: Metric): ComboboxOption {
  const unit = unitOf(metric);
  return {
    value: metric.id,
    label: metric.title,
    group: metric.section,
    description: [metric.id, unit].filter(Boolean).join(' · '),
  };
}

/** MetricsError says why there is no catalogue, and lets it be asked for again. */
export function MetricsError({ metrics }: { metrics: Asked<Metric[]> }) {
  if (!metrics.error) {
    return null;
  }
  return (
    <Alert severity="error" title="The list of metrics cannot be read from the plugin’s backend">
      <p>{metrics.error}</p>
      <Button size="sm" variant="secondary" icon="sync" onClick={metrics.again}>
        Try again
      </Button>
    </Alert>
  );
}

/** MetricExplained says what the metric means, in which unit, and what its answer looks like. */
export function MetricExplained({ metric }: { metric: Metric }) {
  const styles = useStyles2(explained);
  const facts = [
    metric.id,
    kindOf(metric),
    unitOf(metric),
    metric.computed ? 'worked out by the plugin' : `view ${metric.view}`,
    metric.width ? `over windows of ${metric.width} s unless a step is chosen` : '',
  ];
  const described = selectable(metric).filter((c) => c.description);
  return (
    <section className={styles.box} aria-label="About the metric">
      <p className={styles.text}>{metric.description}</p>
      <p className={styles.facts}>{facts.filter(Boolean).join(' · ')}</p>
      {described.length > 0 && (
        <dl className={styles.columns}>
          {described.map((column) => (
            <React.Fragment key={column.name}>
              <dt>{shortTitle(metric, column)}</dt>
              <dd>{column.description}</dd>
            </React.Fragment>
          ))}
        </dl>
      )}
    </section>
  );
}

const explained = (theme: GrafanaTheme2) => ({
  box: css({
    borderLeft: `2px solid ${theme.colors.border.strong}`,
    padding: theme.spacing(0.5, 1.5),
    maxWidth: theme.spacing(110),
  }),
  text: css({ margin: 0, color: theme.colors.text.primary }),
  facts: css({
    margin: theme.spacing(0.5, 0, 0),
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  columns: css({
    margin: theme.spacing(0.5, 0, 0),
    display: 'grid',
    gridTemplateColumns: 'max-content 1fr',
    columnGap: theme.spacing(1.5),
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.secondary,
    '& dd': { margin: 0 },
    '& dt': { fontWeight: theme.typography.fontWeightMedium },
  }),
});
