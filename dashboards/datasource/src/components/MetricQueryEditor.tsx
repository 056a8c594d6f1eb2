import { Combobox, Field, Input, InlineSwitch, MultiCombobox, Stack } from '@grafana/ui';
import React, { useEffect, useId, useState } from 'react';

import { selectable, shortTitle, shownByDefault, takes } from '../catalogue';
import { liveStep } from '../live';
import { withMetric } from '../query';
import { parseStep, stepError, steps } from '../step';
import type { Limits, Metric, Query } from '../types';
import { ChoiceSelect } from './ChoiceSelect';
import { MetricExplained, MetricSelect, MetricsError } from './MetricSelect';
import type { Props } from './QueryEditor';
import { useAsync } from './useAsync';
import { useChange } from './useChange';

/** MetricQueryEditor shows of a query what the chosen metric takes. */
export function MetricQueryEditor({ datasource, query, onChange, onRunQuery, range }: Props) {
  const metrics = useAsync(() => datasource.metrics(), datasource.uid);
  const metric = metrics.value?.find((m) => m.id === query.metric);
  const can = metric && takes(metric);
  const run = useChange(query, onChange, onRunQuery);
  const change = (part: Partial<Query>) => run((was) => ({ ...was, ...part }));
  const choose = (next: Metric) => run((was) => (was.metric === next.id ? was : withMetric(was, next)));
  useFirstService({ datasource, query, range, needed: Boolean(can?.service), change });

  const from = { datasource, range };
  return (
    <Stack direction="column" gap={1.5}>
      <MetricsError metrics={metrics} />
      <Stack direction="row" gap={1.5} wrap="wrap" alignItems="flex-start">
        <MetricSelect metrics={metrics} value={query.metric} onChange={choose} />
        {metric && selectable(metric).length > 1 && (
          <ColumnSelect metric={metric} value={query.columns} onChange={(columns) => change({ columns })} />
        )}
      </Stack>
      {metric && <MetricExplained metric={metric} />}
      <Stack direction="row" gap={1.5} wrap="wrap" alignItems="flex-start">
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
        {can?.host && (
          <ChoiceSelect
            {...from}
            label="Host"
            name="hosts"
            all="All hosts"
            value={query.host}
            onChange={(host) => change({ host })}
          />
        )}
        {can?.gpu && (
          <ChoiceSelect
            {...from}
            label="GPU"
            name="gpus"
            host={query.host}
            all="All GPUs"
            value={query.gpu}
            onChange={(gpu) => change({ gpu })}
          />
        )}
        {can?.step && <StepSelect query={query} fixed={Boolean(metric?.width)} onChange={(step) => change({ step })} />}
        {can?.timeZone && <TimeZone value={query.timeZone} onChange={(timeZone) => change({ timeZone })} />}
        {can?.live && <LiveSwitch value={query.live} onChange={(live) => change({ live: live || undefined })} />}
      </Stack>
      {can?.limits && <LimitInputs value={query.limits ?? {}} onChange={(limits) => change({ limits })} />}
    </Stack>
  );
}

/** useFirstService fills in the first service there is, once, so that a new panel shows something. */
function useFirstService(
  of: Pick<Props, 'datasource' | 'query' | 'range'> & { needed: boolean; change: (part: Partial<Query>) => void }
) {
  const missing = of.needed && !of.query.service;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for a query without a service, whatever else changes
  useEffect(() => {
    if (!missing) {
      return;
    }
    let current = true;
    of.datasource.choices('services', {}, of.range).then(
      ([first]) => current && first && of.change({ service: first.value }),
      () => undefined // the list says so itself
    );
    return () => {
      current = false;
    };
  }, [missing]);
}

function ColumnSelect({
  metric,
  value,
  onChange,
}: {
  metric: Metric;
  value: string[] | undefined;
  onChange: (names: string[] | undefined) => void;
}) {
  const id = useId();
  const columns = selectable(metric);
  const quantiles = columns.some((c) => c.quantile);
  const standard = shownByDefault(metric)
    .map((c) => shortTitle(metric, c))
    .join(', ');
  return (
    <Field label={quantiles ? 'Quantiles and columns' : 'Columns'} htmlFor={id} noMargin>
      <MultiCombobox
        id={id}
        options={columns.map((c) => ({
          value: c.name,
          label: shortTitle(metric, c),
          description: c.description ?? c.name,
        }))}
        value={value ?? []}
        placeholder={`Default: ${standard}`}
        isClearable
        width={52}
        onChange={(chosen) => onChange(chosen.length > 0 ? chosen.map((o) => o.value) : undefined)}
      />
    </Field>
  );
}

function StepSelect({ query, fixed, onChange }: { query: Query; fixed: boolean; onChange: (step: string) => void }) {
  const id = useId();
  const value = query.live ? liveStep : (query.step ?? 'auto');
  const error = stepError(value);
  return (
    <Field
      label="Step"
      htmlFor={id}
      noMargin
      invalid={Boolean(error)}
      error={error}
      description={fixed ? 'Width of the windows: it decides the number.' : undefined}
    >
      <Combobox
        id={id}
        options={steps}
        value={steps.find((s) => s.value === value) ?? { value, label: /^\d+$/.test(value) ? `${value} s` : value }}
        createCustomValue
        customValueDescription="Seconds, or such as 10m, 2h"
        disabled={Boolean(query.live)}
        width={22}
        onChange={(chosen) => onChange(parseStep(chosen.value))}
      />
    </Field>
  );
}

const zones = [
  { value: 'UTC', label: 'UTC' },
  { value: '$__timezone', label: 'The dashboard’s' },
  ...Intl.supportedValuesOf('timeZone').map((zone) => ({ value: zone, label: zone })),
];

function TimeZone({ value, onChange }: { value: string | undefined; onChange: (zone: string) => void }) {
  const id = useId();
  return (
    <Field label="Time zone" htmlFor={id} noMargin>
      <Combobox
        id={id}
        options={zones}
        value={value ?? 'UTC'}
        createCustomValue
        width={26}
        onChange={(chosen) => onChange(chosen.value)}
      />
    </Field>
  );
}

function LiveSwitch({ value, onChange }: { value: boolean | undefined; onChange: (live: boolean) => void }) {
  const id = useId();
  return (
    <Field label="Live" htmlFor={id} noMargin description={value ? 'By minute, while the range ends now' : undefined}>
      <InlineSwitch
        id={id}
        transparent
        value={Boolean(value)}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </Field>
  );
}

const limited: Array<{ name: keyof Limits; label: string; placeholder: string }> = [
  { name: 'elapsed', label: 'End to end within (s)', placeholder: 'no limit' },
  { name: 'ttft', label: 'First token within (s)', placeholder: 'no limit' },
  { name: 'tpot', label: 'Each token within (s)', placeholder: 'no limit' },
];

function LimitInputs({ value, onChange }: { value: Limits; onChange: (limits: Limits) => void }) {
  return (
    <Stack direction="row" gap={1.5} wrap="wrap" alignItems="flex-start">
      {limited.map(({ name, label, placeholder }) => (
        <LimitInput
          key={name}
          label={label}
          placeholder={placeholder}
          value={value[name]}
          onChange={(limit) => onChange({ ...value, [name]: limit })}
        />
      ))}
    </Stack>
  );
}

function LimitInput(props: {
  label: string;
  placeholder: string;
  value: Limits['elapsed'];
  onChange: (limit: Limits['elapsed']) => void;
}) {
  const id = useId();
  const [text, setText] = useState(String(props.value ?? ''));
  const typed = text.trim();
  const variable = typed.includes('$');
  const wrong = typed !== '' && !variable && !(Number(typed) > 0);
  const done = () => {
    if (!wrong) {
      props.onChange(typed === '' ? undefined : variable ? typed : Number(typed));
    }
  };
  return (
    <Field
      label={props.label}
      htmlFor={id}
      noMargin
      invalid={wrong}
      error={wrong ? 'A number of seconds above 0, or empty for no limit.' : undefined}
    >
      <Input
        id={id}
        value={text}
        placeholder={props.placeholder}
        width={20}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={done}
        onKeyDown={(event) => event.key === 'Enter' && done()}
      />
    </Field>
  );
}
