import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { Field, FieldSet, Input, SecretInput, SecretTextArea, Switch } from '@grafana/ui';
import React, { type FormEvent } from 'react';

import { addressError, numberError } from '../settings';
import type { Secrets, Settings } from '../types';

export type Props = DataSourcePluginOptionsEditorProps<Settings, Secrets>;

const width = 60;

/** ConfigEditor is the data source's settings. What is left empty has the backend's default. */
export function ConfigEditor({ options, onOptionsChange }: Props) {
  const { jsonData, secureJsonFields } = options;
  const secrets = options.secureJsonData ?? {};
  const set = (part: Partial<Settings>) => onOptionsChange({ ...options, jsonData: { ...jsonData, ...part } });
  const setSecret = (name: keyof Secrets, value: string) =>
    onOptionsChange({ ...options, secureJsonData: { ...secrets, [name]: value } });
  const forget = (name: keyof Secrets) =>
    onOptionsChange({
      ...options,
      secureJsonFields: { ...secureJsonFields, [name]: false },
      secureJsonData: { ...secrets, [name]: '' },
    });

  const text = (name: 'address' | 'user' | 'database') => ({
    id: `config-${name}`,
    width,
    value: jsonData[name] ?? '',
    onChange: (event: FormEvent<HTMLInputElement>) => set({ [name]: event.currentTarget.value }),
  });
  const secret = (name: keyof Secrets) => ({
    id: `config-${name}`,
    value: secrets[name] ?? '',
    isConfigured: Boolean(secureJsonFields?.[name]),
    onReset: () => forget(name),
    onChange: (event: FormEvent<HTMLInputElement | HTMLTextAreaElement>) => setSecret(name, event.currentTarget.value),
  });
  const wrongAddress = addressError(jsonData.address);

  return (
    <>
      <FieldSet label="ClickHouse">
        <Field
          label="Address"
          description="The server as Grafana reaches it. clickhouse:// and clickhouses:// speak the native protocol (prefer it: its queries are cancelled at once), http:// and https:// the HTTP one; those with an s use TLS."
          invalid={Boolean(wrongAddress)}
          error={wrongAddress}
        >
          <Input {...text('address')} placeholder="clickhouse://127.0.0.1:9000" />
        </Field>
        <Field
          label="User"
          description="One that may only read: grant SELECT on the database. The plugin asks for readonly itself, too."
        >
          <Input {...text('user')} placeholder="default" autoComplete="off" />
        </Field>
        <Field label="Password" description="Kept encrypted by Grafana; never sent to a browser.">
          <SecretInput {...secret('password')} width={width} autoComplete="new-password" />
        </Field>
        <Field label="Database" description="The one in which tidegauge migrate has made its tables and views.">
          <Input {...text('database')} placeholder="tidegauge" />
        </Field>
      </FieldSet>

      <FieldSet label="TLS">
        <Field
          label="Skip verification"
          description="Believe any certificate. The connection is encrypted, but not to anyone in particular: for trials only."
        >
          <Switch
            id="config-tlsSkipVerify"
            value={jsonData.tlsSkipVerify ?? false}
            onChange={(event) => set({ tlsSkipVerify: event.currentTarget.checked })}
          />
        </Field>
        <Field
          label="CA certificate"
          description="PEM, of the authority that has signed the server’s certificate. Empty: the system’s authorities."
        >
          <SecretTextArea {...secret('tlsCACert')} cols={width} rows={4} placeholder="-----BEGIN CERTIFICATE-----" />
        </Field>
        <Field label="Client certificate" description="PEM, where the server asks for one. Its key belongs to it.">
          <SecretTextArea
            {...secret('tlsClientCert')}
            cols={width}
            rows={4}
            placeholder="-----BEGIN CERTIFICATE-----"
          />
        </Field>
        <Field label="Client key" description="PEM, of the client certificate.">
          <SecretTextArea {...secret('tlsClientKey')} cols={width} rows={4} placeholder="-----BEGIN PRIVATE KEY-----" />
        </Field>
      </FieldSet>

      <FieldSet label="Limits">
        {limits.map(({ name, label, description, standard, whole }) => {
          const value = jsonData[name];
          const wrong = numberError(value, whole);
          return (
            <Field key={name} label={label} description={description} invalid={Boolean(wrong)} error={wrong}>
              <Input
                id={`config-${name}`}
                type="number"
                min={0}
                width={24}
                placeholder={standard}
                value={value ?? ''}
                onChange={(event) => {
                  const typed = event.currentTarget.value;
                  set({ [name]: typed === '' ? undefined : Number(typed) });
                }}
              />
            </Field>
          );
        })}
      </FieldSet>
    </>
  );
}

const limits: Array<{
  name: 'dialTimeout' | 'queryTimeout' | 'maxRows' | 'maxBytes' | 'maxConcurrentQueries';
  label: string;
  description: string;
  standard: string;
  whole: boolean;
}> = [
  {
    name: 'dialTimeout',
    label: 'Connect within (s)',
    description: 'How long to wait for a connection.',
    standard: '10',
    whole: false,
  },
  {
    name: 'queryTimeout',
    label: 'Answer within (s)',
    description: 'A query that takes longer is cancelled in ClickHouse.',
    standard: '30',
    whole: false,
  },
  {
    name: 'maxRows',
    label: 'Rows an answer',
    description: 'An answer of more rows is cut, and the panel says so.',
    standard: '100000',
    whole: true,
  },
  {
    name: 'maxBytes',
    label: 'Bytes an answer',
    description: 'The same for the size of an answer.',
    standard: '268435456',
    whole: true,
  },
  {
    name: 'maxConcurrentQueries',
    label: 'Queries at once',
    description: 'How many queries ClickHouse is asked at the same time; the others wait.',
    standard: '8',
    whole: true,
  },
];
