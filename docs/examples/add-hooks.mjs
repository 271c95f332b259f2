// Puts the hooks of docs/hooks.md into the config.json of the current folder.
import { readFileSync, writeFileSync } from 'node:fs';

const config = JSON.parse(readFileSync('config.json', 'utf8'));
const here = process.cwd();
const outside = (kind) => [{ path: `${here}/note`, args: ['note', kind, `${here}/log`] }];
config.hooks = {
  createRuntime: outside('createRuntime'),
  createContainer: outside('createContainer'),
  startContainer: [{ path: '/note', args: ['note', 'startContainer', '/log'] }], // a path inside the container
  poststart: outside('poststart'),
  poststop: outside('poststop'),
};
config.process.terminal = false;
config.process.args = ['sh', '-c', 'echo "command: it runs" >>/log; exec sleep 100'];
config.root.readonly = false;
writeFileSync('config.json', JSON.stringify(config, null, 2));
