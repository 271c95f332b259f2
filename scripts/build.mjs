/**
 * `npm run build`: bundles the TypeScript into dist/, one file a program: each module that Node
 * loads costs a file lookup and a compile. CommonJS, because only that can be started with a code
 * cache on every Node (scripts/start-with-code-cache.cjs).
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { root, started } from './shell.mjs';

/** Programs: name in dist/ → source. Those that do not exist yet are left out. */
const PROGRAMS = {
  minirun: 'src/cli/main.ts',
  keeper: 'src/runc/container/keeper.ts',
  'ffi-init': 'src/runc/engine/ffi-init.ts',
  'minirun-runc': 'src/cli/runc.ts',
  'containerd-shim-minirun-v1': 'src/cli/shim.ts',
  'minirun-containerd': 'src/cli/containerd.ts',
  minirund: 'src/cli/dockerd.ts',
};

/** Empty where there is no git, or no clone. */
function commit() {
  const asked = spawnSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  return asked.status === 0 ? asked.stdout.trim() : '';
}

const SHARED = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  // Native addons: they find their binaries beside their own package.json.
  external: ['koffi', '@koromix/*', 'lmdb'],
  minifySyntax: true,
  // Whole lines of white space are the only thing that a reader of dist/ would miss, and reading them takes time.
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
};

/**
 * commander loads node:child_process at once, for subcommands that are programs of their own. We
 * have none, and it brings net, dgram and streams with it: 8 ms of each start.
 */
const lazyChildProcess = {
  name: 'lazy-child-process',
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, (args) =>
      args.importer.includes(join('node_modules', 'commander')) ? { path: args.path, namespace: 'lazy' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, () => ({
      contents: "exports.spawn = (...args) => require('node:child_process').spawn(...args);",
    }));
  },
};

/**
 * What of dockerode and docker-modem the client does not use, and would pay for at each start: sessions
 * of BuildKit (gRPC, protobuf), an SSH client in JavaScript (we start ssh(1)), and packing of build contexts.
 */
const UNUSED_OF_DOCKERODE = /^(?:\.\/session|\.\/buildkit|\.\/ssh|tar-fs|@balena\/dockerignore)$/;
/** What Node has itself, or what only prints when DEBUG is set. */
const INSTEAD = {
  debug: 'module.exports = () => () => {};',
  'readable-stream': "module.exports = require('node:stream');",
};

const lightDockerode = {
  name: 'light-dockerode',
  setup(build) {
    const inDockerode = ({ importer }) => /node_modules\/(?:dockerode|docker-modem)\//.test(importer);
    build.onResolve({ filter: UNUSED_OF_DOCKERODE }, (args) =>
      inDockerode(args) ? { path: args.path, namespace: 'unused-of-dockerode' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'unused-of-dockerode' }, ({ path }) => ({
      contents: `module.exports = () => { throw new Error(${JSON.stringify(`${path} of dockerode is not part of minirun`)}); };`,
    }));
    build.onResolve({ filter: /^(?:debug|readable-stream)$/ }, (args) =>
      inDockerode(args) ? { path: args.path, namespace: 'instead' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'instead' }, ({ path }) => ({ contents: INSTEAD[path] }));
  },
};

/** In CommonJS `require` is there already; node:module brings the loader of ES modules with it: 2 ms. */
const ownRequire = {
  name: 'own-require',
  setup(build) {
    build.onResolve({ filter: /^node:module$/ }, (args) => ({ path: args.path, namespace: 'require' }));
    build.onLoad({ filter: /.*/, namespace: 'require' }, () => ({ contents: 'exports.createRequire = () => require;' }));
  },
};

const COMMONJS = {
  ...SHARED,
  plugins: [lazyChildProcess, ownRequire, lightDockerode],
  format: 'cjs',
  // What is loaded on demand stays in the file, unevaluated until it is needed.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'importMetaUrl', MINIRUN_COMMIT: JSON.stringify(commit()) },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/** Written under a temporary name and renamed, so that a minirun started meanwhile sees a whole file. */
function place(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/**
 * Runs a container that ends at once, so that the code cache holds what a start needs. Where none
 * can be run (no privileges, no native engine) it holds less, and all works as well.
 * @param {string} node the Node whose cache is made
 */
export async function train(node = process.execPath) {
  if (process.platform !== 'linux') return;
  const folder = mkdtempSync(join(tmpdir(), 'minirun-build-'));
  try {
    const rootfs = join(folder, 'rootfs');
    mkdirSync(rootfs);
    const command = join(root, 'native', 'build', 'minirun-pid1');
    if (existsSync(command)) {
      copyFileSync(command, join(rootfs, 'true'));
      chmodSync(join(rootfs, 'true'), 0o755);
    } else writeFileSync(join(rootfs, 'true'), '');
    const run = (program, cache, ...args) =>
      spawnSync(node, [join(root, 'dist', program), '--root', join(folder, 'state'), ...args], {
        cwd: folder,
        stdio: 'ignore',
        env: { ...process.env, MINIRUN_CODE_CACHE: cache },
        timeout: 30_000,
      });
    // What only --explain needs would make the file larger, and each start slower.
    run('minirun.cjs', '.', 'run', '--rm', rootfs, '/true');
    trainRuntime((command, ...args) => run('minirun-runc.cjs', `.${command}`, command, ...args), folder);
    await trainShim(folder, node);
    await trainDaemon(folder, node);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The life of a container as an engine makes it happen: a cache for each of runc's commands. */
function trainRuntime(run, folder) {
  run('spec');
  if (!existsSync(join(folder, 'config.json'))) return;
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  Object.assign(config.process, { terminal: false, args: ['/true'] });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  run('create', 'training');
  // Created, it waits for as long as is needed.
  run('state', 'training');
  run('exec', 'training', '/true');
  run('pause', 'training');
  run('resume', 'training');
  run('ps', '--format', 'json', 'training');
  run('list');
  run('start', 'training');
  run('delete', '--force', 'training');
  run('create', 'training');
  run('kill', 'training', 'KILL');
  run('delete', '--force', 'training');
  run('run', 'training');
}

/** One call by ttrpc to a shim: frame, Request { service, method, payload } and a message of short strings, by hand. */
async function callShim(socketPath, method, ...strings) {
  const field = (number, bytes) => Buffer.concat([Buffer.from([(number << 3) | 2, (bytes.length & 127) | 128, bytes.length >> 7]), bytes]);
  const message = strings.map((text, n) => field(n + 1, Buffer.from(text)));
  const data = Buffer.concat(
    ['containerd.task.v2.Task', method].map((text, n) => field(n + 1, Buffer.from(text))).concat(field(3, Buffer.concat(message))),
  );
  const header = Buffer.from([0, 0, data.length >> 8, data.length & 255, 0, 0, 0, 1, 1, 0]);
  const socket = connect(socketPath);
  const timer = setTimeout(() => socket.destroy(), 5000);
  await new Promise((resolve) => {
    socket.on('error', resolve).on('data', resolve).on('close', resolve);
    socket.write(Buffer.concat([header, data]));
  });
  clearTimeout(timer);
  socket.destroy();
}

/** The shim's cache: it serves one container's life. Where it cannot (no privileges), the cache holds what it needs to begin. */
async function trainShim(folder, node) {
  const socket = join(folder, 'shim.sock');
  const namespace = `training-${process.pid}`;
  // With the flag that it is started with (src/shim/start.ts): V8 takes no cache that was made with others.
  const words = [
    '--max-semi-space-size=1',
    join(root, 'dist', 'containerd-shim-minirun-v1.cjs'),
    '-namespace',
    namespace,
    '-id',
    'training',
    '-socket',
    socket,
  ];
  const shim = spawn(node, words, { cwd: folder, stdio: 'ignore', env: { ...process.env, MINIRUN_CODE_CACHE: '.' } });
  const ended = new Promise((resolve) => shim.on('close', resolve).on('error', resolve));
  for (let n = 0; n < 200 && !existsSync(socket) && shim.exitCode === null; n++) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const [method, ...strings] of [
    ['Create', 'training', folder],
    ['Start', 'training'],
    ['Wait', 'training'],
    ['Delete', 'training'],
  ]) {
    await callShim(socket, method, ...strings);
  }
  shim.kill('SIGTERM');
  const timer = setTimeout(() => shim.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(timer);
  rmSync(join('/run/containerd/runc', namespace), { recursive: true, force: true });
}

/** minirund's cache: it starts, is asked for its version, and ends. With the flag that bin/minirund gives it. */
async function trainDaemon(folder, node) {
  const socket = join(folder, 'docker.sock');
  const words = ['--max-semi-space-size=1', join(root, 'dist', 'minirund.cjs'), '-H', `unix://${socket}`];
  const folders = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'minirund.pid')];
  const daemon = spawn(node, [...words, ...folders], { cwd: folder, stdio: 'ignore', env: { ...process.env, MINIRUN_CODE_CACHE: '.' } });
  const ended = new Promise((resolve) => daemon.on('close', resolve).on('error', resolve));
  for (let n = 0; n < 500 && !existsSync(socket) && daemon.exitCode === null; n++) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => {
    get({ socketPath: socket, path: '/version', timeout: 5000 }, (answer) => answer.resume().on('close', resolve)).on('error', resolve);
  });
  daemon.kill('SIGTERM');
  const timer = setTimeout(() => daemon.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(timer);
}

/**
 * esbuild writes all in ASCII but regular expressions. One character beyond it would make V8 keep two
 * bytes for each of a bundle, and be another one where it is read as latin1 (start-with-code-cache.cjs).
 */
const ascii = (text) => text.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Builds everything. @throws when a source does not compile */
export async function build() {
  const esbuild = await import('esbuild');
  const folder = join(root, 'dist');
  const kept = new Set();
  const put = (name, text) => {
    place(join(folder, name), text);
    kept.add(name);
  };
  const starter = readFileSync(join(root, 'scripts', 'start-with-code-cache.cjs'), 'utf8');
  const present = Object.entries(PROGRAMS).filter(([, source]) => existsSync(join(root, source)));
  const bundles = await Promise.all(
    present.map(([name, source]) => esbuild.build({ ...COMMONJS, entryPoints: [source], outfile: join(folder, `${name}.code.cjs`) })),
  );
  // First, as V8 tells by a text's length alone whether a code cache belongs to it.
  for (const name of existsSync(folder) ? readdirSync(folder) : []) if (name.endsWith('.cache')) rmSync(join(folder, name));
  for (const { outputFiles } of bundles) for (const file of outputFiles) put(basename(file.path), ascii(file.text));
  // Last, as these are what is looked at to tell whether all is built.
  for (const [name] of present) put(`${name}.cjs`, starter);
  for (const name of readdirSync(folder)) {
    if (!kept.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  await train();
}

/** Bundles one TypeScript program for a script: `source` below the clone, `target` anywhere, an ES module. */
export async function bundle(source, target) {
  const esbuild = await import('esbuild');
  const banner = {
    js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
  };
  const { outputFiles } = await esbuild.build({
    ...SHARED,
    plugins: [lightDockerode],
    format: 'esm',
    banner,
    entryPoints: [source],
    outfile: target,
  });
  for (const file of outputFiles) place(file.path, file.text);
}

if (started(import.meta)) await build();
