import type { QueryEditorProps } from '@grafana/data';
import { Combobox, Field, Stack } from '@grafana/ui';
import React, { useId } from 'react';

import type { DataSource } from '../datasource';
import type { Query, Settings, VariableName, VariableQuery } from '../types';
import { ChoiceSelect } from './ChoiceSelect';
import { useChange } from './useChange';

type Props = QueryEditorProps<DataSource, Query, Settings, VariableQuery>;

const lists: Array<{ value: VariableName; label: string; description: string }> = [
  { value: 'services', label: 'Services', description: 'Those with requests in the time range' },
  { value: 'models', label: 'Models', description: 'Of a service' },
  { value: 'log_types', label: 'Log types', description: 'Of a service' },
  { value: 'hosts', label: 'Hosts', description: 'Hosts with GPUs' },
  { value: 'gpus', label: 'GPUs', description: 'Of a host, or of all' },
];

/** VariableQueryEditor says what a template variable lists. */
export function VariableQueryEditor({ datasource, query, onChange, range }: Props) {
  const id = useId();
  const variable = query.variable ?? 'services';
  const run = useChange(query, onChange);
  const change = (part: Partial<VariableQuery>) =>
    run((was) => ({ ...was, queryType: 'variable', refId: was.refId || 'variable', ...part }));
  return (
    <Stack direction="row" gap={1.5} wrap="wrap" alignItems="flex-start">
      <Field label="List" htmlFor={id} noMargin>
        <Combobox
          id={id}
          options={lists}
          value={variable}
          width={24}
          onChange={(chosen) => change({ variable: chosen.value })}
        />
      </Field>
      {(variable === 'models' || variable === 'log_types') && (
        <ChoiceSelect
          datasource={datasource}
          range={range}
          label="Service"
          name="services"
          required
          value={query.service}
          onChange={(service) => change({ service })}
        />
      )}
      {variable === 'gpus' && (
        <ChoiceSelect
          datasource={datasource}
          range={range}
          label="Host"
          name="hosts"
          all="All hosts"
          value={query.host}
          onChange={(host) => change({ host })}
        />
      )}
    </Stack>
  );
}
