// What rspack is told in build.mjs: how the plugin becomes the module that Grafana loads, and how the harness becomes a page.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rspack } from '@rspack/core';

const here = path.dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(path.join(here, 'package.json'), 'utf8'));
const plugin = JSON.parse(readFileSync(path.join(here, 'src/plugin.json'), 'utf8'));

const compiled = {
  test: /\.tsx?$/,
  exclude: /node_modules/,
  loader: 'builtin:swc-loader',
  // Calls of React.createElement, as create-plugin's: they run on Grafana's React whichever version that is.
  options: { jsc: { parser: { syntax: 'typescript', tsx: true }, target: 'es2022' } },
  type: 'javascript/auto',
};
const resolve = { extensions: ['.ts', '.tsx', '.mjs', '.js'] };

/** What Grafana's loader provides: the list of create-plugin's. */
const provided = [
  'lodash',
  'jquery',
  'moment',
  'slate',
  'emotion',
  '@emotion/react',
  '@emotion/css',
  'prismjs',
  'slate-plain-serializer',
  '@grafana/slate-react',
  'react',
  'react-dom',
  'react-redux',
  'redux',
  'rxjs',
  'i18next',
  'react-router',
  'd3',
  'angular',
  /^@grafana\/ui/i,
  /^@grafana\/runtime/i,
  /^@grafana\/data/i,
];

/** The day of what is released, so that the same sources give the same files. */
const day = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000) * 1000).toISOString().slice(0, 10);
const filled = (text) =>
  text.toString().replaceAll('%VERSION%', version).replaceAll('%TODAY%', day).replaceAll('%PLUGIN_ID%', plugin.id);

/** The plugin, in dist. */
export const module = {
  mode: 'production',
  context: path.join(here, 'src'),
  entry: { module: './module.ts' },
  devtool: 'source-map',
  externals: provided,
  output: {
    path: path.join(here, 'dist'),
    filename: '[name].js',
    publicPath: `public/plugins/${plugin.id}/`,
    library: { type: 'amd' },
    uniqueName: plugin.id,
    crossOriginLoading: 'anonymous',
    // The backend's executables, and what lists them, are another target's.
    clean: { keep: /gpx_|go_plugin_build_manifest/ },
  },
  module: { rules: [compiled] },
  resolve,
  plugins: [
    new rspack.CopyRspackPlugin({
      patterns: [
        { from: 'plugin.json', transform: filled },
        { from: '../README.md', transform: filled },
        { from: '../CHANGELOG.md' },
        { from: '../../../LICENSE', to: 'LICENSE', toType: 'file' },
        { from: 'img', to: 'img' },
      ],
    }),
  ],
};

/** The harness: the editors on a page of their own, with all of Grafana's libraries bundled. */
export const harness = {
  mode: 'development',
  context: path.join(here, 'harness'),
  entry: { harness: './page.tsx' },
  devtool: false,
  output: { path: path.join(here, '.cache/harness'), filename: '[name].js', publicPath: '/', clean: true },
  module: {
    rules: [
      compiled,
      { test: /\.css$/, type: 'css/auto' },
      { test: /\.ttf$/, type: 'asset/resource' },
      { test: /\.m?js$/, resolve: { fullySpecified: false } },
    ],
  },
  resolve,
  performance: false,
};

/** The unit tests, in one file for Node, with Grafana's libraries bundled: loading them one by one takes several times as long. */
export const tests = {
  mode: 'development',
  target: 'node20',
  context: path.join(here, 'test'),
  entry: { tests: './index.ts' },
  devtool: 'source-map',
  externals: { jsdom: 'commonjs jsdom' },
  output: { path: path.join(here, '.cache/tests'), filename: '[name].cjs', library: { type: 'commonjs' } },
  module: { rules: [compiled, { test: /\.(css|ttf)$/, type: 'asset/source' }] },
  // Code that is loaded when it is needed would be in files of its own.
  plugins: [new rspack.optimize.LimitChunkCountPlugin({ maxChunks: 1 })],
  // As in a browser: not what packages have for Node.
  resolve: {
    ...resolve,
    mainFields: ['browser', 'module', 'main'],
    conditionNames: ['browser', 'import', 'module', 'default'],
  },
  optimization: { nodeEnv: 'test' },
  performance: false,
};

export default module;
