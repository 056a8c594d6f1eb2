import { Combobox, type ComboboxOption, Field } from '@grafana/ui';
import React, { useId } from 'react';

import type { TimeRange } from '@grafana/data';
import type { DataSource } from '../datasource';
import { shown } from '../interpolate';
import { ALL, type VariableName } from '../types';
import { useAsync } from './useAsync';

interface Props {
  datasource: DataSource;
  label: string;
  name: VariableName;
  value: string | undefined;
  onChange: (value: string) => void;
  /** What the list depends on. */
  service?: string;
  host?: string;
  range?: TimeRange;
  /** Whether "all" can be chosen, and what it is called. */
  all?: string;
  description?: string;
  required?: boolean;
  width?: number;
}

/** The options' value of the log type '', which is not the same as nothing chosen. */
const NONE = '\u0000none';

/**
 * ChoiceSelect offers what the backend has seen in the range, the dashboard's variables, and whatever is typed: a service may be
 * about to send its first request.
 */
export function ChoiceSelect(props: Props) {
  const { datasource, label, name, value, service, host, range, all } = props;
  const id = useId();
  // Minutes are enough: the list need not be asked for again because a second has passed.
  const minute = (moment: { valueOf(): number } | undefined) => Math.floor((moment?.valueOf() ?? 0) / 60_000);
  const asked = useAsync(
    () => datasource.choices(name, { service, host }, range),
    [name, service, host, minute(range?.from), minute(range?.to)].join('|')
  );

  const options: ComboboxOption[] = [
    ...(all ? [{ value: ALL, label: all }] : []),
    ...(asked.value ?? []).map((choice) => ({
      value: choice.value === '' ? NONE : choice.value,
      label: choice.text || shown(choice.value),
      // A description that is undefined would still take its line.
      ...(choice.value === '' ? { description: 'Requests that name none' } : {}),
    })),
    ...datasource
      .variableNames()
      .map((variable) => ({ value: `$${variable}`, label: `$${variable}`, description: 'Template variable' })),
  ];
  // A required field that is empty has nothing chosen; the log type '' is a choice.
  const selected = value === undefined ? (all ? ALL : null) : value === '' ? (props.required ? null : NONE) : value;
  const option =
    options.find((o) => o.value === selected) ??
    (selected === null ? null : { value: selected, label: shown(value ?? '') });
  const missing = props.required && !asked.loading && !value;

  return (
    <Field
      label={label}
      htmlFor={id}
      description={props.description}
      noMargin
      invalid={Boolean(asked.error) || missing}
      error={
        asked.error
          ? `The list cannot be read: ${asked.error}`
          : missing
            ? emptyText(name, asked.value?.length === 0)
            : undefined
      }
    >
      <Combobox
        id={id}
        options={options}
        value={option}
        loading={asked.loading}
        invalid={Boolean(asked.error) || missing}
        createCustomValue
        customValueDescription="Use it as typed"
        noOptionsMessage="Nothing in this time range. Type a name to use it."
        placeholder={asked.loading ? 'Loading…' : 'Choose or type'}
        width={props.width ?? 24}
        onChange={(chosen) => props.onChange(chosen.value === NONE ? '' : chosen.value)}
      />
    </Field>
  );
}

function emptyText(name: VariableName, none: boolean): string {
  const what = name.replace('_', ' ').replace(/s$/, '');
  return none ? `No ${what} in this time range: widen it, or type a name.` : `Choose a ${what}, or type its name.`;
}
