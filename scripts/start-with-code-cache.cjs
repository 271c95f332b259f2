// A program in dist/: starts NAME.code.cjs beside it with the machine code (V8's bytecode) that an
// earlier run left in a file, as compiling takes Node longer than making a container does.
// The file serves one version of Node; V8 itself refuses one that does not fit, and then it compiles.
'use strict';
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');

const filename = __filename.replace(/\.cjs$/, '.code.cjs');
const cacheFile = `${filename}.${process.version}-${process.arch}.cache`;
let cachedData;
try {
  cachedData = readFileSync(cacheFile);
} catch {
  // not made for this Node
}
const training = process.env.MINIRUN_CODE_CACHE === 'write';
if (cachedData || training) {
  // The bundle is pure ASCII: read as latin1 it needs no decoding.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, 'latin1')}\n})`;
  const script = new Script(source, { filename, cachedData });
  if (training) {
    process.on('exit', () => {
      const temporary = `${cacheFile}.${process.pid}`;
      writeFileSync(temporary, script.createCachedData());
      renameSync(temporary, cacheFile);
    });
  }
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, filename, __dirname);
} else {
  // Node 22.8 and later keep compiled code by themselves.
  require('node:module').enableCompileCache?.();
  require(filename);
}
