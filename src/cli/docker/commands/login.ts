/** `minirun login [options] [SERVER]` */
import { text as readText } from 'node:stream/consumers';
import type { Command } from 'commander';
import { type Context, warn } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { type Credentials, credentialsFor, keepCredentials, serverOf } from '../credentials.ts';
import { askHere, askSecret } from '../output/question.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun login', 'Check a password with a registry, and keep it for pull and push.')
      .option('-u, --username <NAME>', 'the user')
      .option('-p, --password <PASSWORD>', 'the password; others on this machine can read it in the list of processes')
      .option('--password-stdin', 'read the password from standard input')
      .usage('[options] [SERVER]'),
    ['login -u me --password-stdin localhost:5000 < password', 'without a terminal'],
    ['login', 'at Docker Hub; asks for name and password'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [server = 'docker.io'] = takeOperands(parsed, parseCommand(parsed, args), ['[SERVER]']);
  const o = parsed.opts<{ username?: string; password?: string; passwordStdin?: boolean }>();
  if (o.passwordStdin && o.password !== undefined) throw new UsageError('--password and --password-stdin are mutually exclusive');
  if (o.passwordStdin && o.username === undefined) throw new UsageError('must provide --username with --password-stdin');
  if (o.password !== undefined) warn('--password can be read by others on this machine; use --password-stdin');
  const host = server.replace(/^https?:\/\//, '').replace(/\/$/, '');
  const connection = await connect(context);
  const known = o.username === undefined && o.password === undefined ? await credentialsFor(host) : undefined;
  const credentials = known?.username ? known : await asked(host, o);
  const { Status, IdentityToken } = await ask<{ Status?: string; IdentityToken?: string }>(connection, '/auth', {
    method: 'POST',
    body: credentials,
  });
  const advice = await keepCredentials({ ...credentials, ...(IdentityToken ? { identitytoken: IdentityToken, password: '' } : {}) });
  if (advice) warn(advice);
  process.stdout.write(`${Status || 'Login Succeeded'}\n`);
  return 0;
}

async function asked(host: string, o: { username?: string; password?: string; passwordStdin?: boolean }): Promise<Credentials> {
  const needsTerminal = o.username === undefined || (o.password === undefined && !o.passwordStdin);
  if (needsTerminal && !process.stdin.isTTY)
    throw new UsageError('cannot perform an interactive login from a non-TTY device; use -u NAME --password-stdin');
  const username = o.username ?? (await askHere('Username: ')).trim();
  if (username === '') throw new UsageError('the user name is empty');
  const typed = o.passwordStdin ? (await readText(process.stdin)).replace(/\r?\n$/, '') : (o.password ?? (await askSecret('Password: ')));
  if (typed === '') throw new UsageError('the password is empty');
  return { username, password: typed, serveraddress: serverOf(host) };
}
