// A program in dist/: starts NAME.code.cjs beside it with the machine code (V8's bytecode) that an
// earlier run left in a file, as compiling takes Node longer than making a container does.
// The file serves one version of Node; V8 itself refuses one that does not fit, and then it compiles.
'use strict';
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');

const filename = __filename.replace(/\.cjs$/, '.code.cjs');
const cacheFile = (command) => `${filename}.${process.version}-${process.arch}${command}.cache`;
// A file for each subcommand, as all of a file is loaded at once: `delete` needs a tenth of what `create` does.
const words = process.argv.slice(2, 16).filter((word) => /^[a-z]{2,12}$/.test(word));
let cachedData;
for (const command of [...words.map((word) => `.${word}`), '']) {
  try {
    cachedData = readFileSync(cacheFile(command));
    break;
  } catch {
    // not made for this Node, or no subcommand
  }
}
// The subcommand whose file is to be written: `.create`, or `.` for all.
const training = process.env.MINIRUN_CODE_CACHE;
if (cachedData || training) {
  // The bundle is pure ASCII: read as latin1 it needs no decoding.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, 'latin1')}\n})`;
  const script = new Script(source, { filename, cachedData });
  if (training) {
    process.on('exit', () => {
      const file = cacheFile(training === '.' ? '' : training);
      const temporary = `${file}.${process.pid}`;
      writeFileSync(temporary, script.createCachedData());
      renameSync(temporary, file);
    });
  }
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, filename, __dirname);
} else {
  // Node 22.8 and later keep compiled code by themselves.
  require('node:module').enableCompileCache?.();
  require(filename);
}
