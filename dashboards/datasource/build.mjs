// node build.mjs [plugin|harness|tests] [--watch]: builds the plugin into dist, or the harness's page or the tests into .cache.
import { rspack } from '@rspack/core';

import { harness, module, tests } from './rspack.config.mjs';

const [what = 'plugin'] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const configuration = { plugin: module, harness, tests }[what];
if (!configuration) {
  console.error(`build.mjs: there is no ${what} to build: plugin, harness or tests`);
  process.exit(2);
}

const compiler = rspack(configuration);
const report = (error, stats) => {
  if (error) {
    console.error(error);
    process.exitCode = 1;
    return;
  }
  console.log(stats.toString({ preset: 'errors-warnings', colors: false, timings: true, assets: true }));
  process.exitCode = stats.hasErrors() ? 1 : 0;
};
if (process.argv.includes('--watch')) {
  compiler.watch({}, report);
} else {
  compiler.run((error, stats) => {
    report(error, stats);
    compiler.close(() => undefined);
  });
}
