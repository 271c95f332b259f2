/** `minirun exec` in a container of the daemon. */
import { readFileSync } from 'node:fs';
import type { ContainerInspectInfo, ExecInspectInfo } from 'dockerode';
import type { ExecOptions } from '../exec-options.ts';
import { UsageError } from '../usage-error.ts';
import type { Connection } from './connect/connect.ts';
import { ask, hijack } from './connect/request.ts';
import { environment } from './container/create-request.ts';
import { converse, detachKeysFrom, requireTerminal } from './streams/conversation.ts';
import { followSize, terminalSize } from './streams/terminal-size.ts';

export async function dockerExec(connection: Connection, name: string, command: readonly string[], o: ExecOptions): Promise<number> {
  if (o.engine || o.step || o.explain || o.explainTo)
    throw new UsageError(`--engine, --explain and --step are for containers made without the daemon; ${name} is the daemon's`);
  const stdin = o.interactive && !o.detach;
  requireTerminal(o.tty, stdin);
  const detachKeys = detachKeysFrom(o.detachKeys);
  // That it runs is asked first: the answer to `exec` says it less well.
  const { Id } = await ask<ContainerInspectInfo>(connection, `/containers/${name}/json`);
  const size = o.tty ? terminalSize() : undefined;
  const body = {
    Cmd: command,
    AttachStdin: stdin,
    AttachStdout: !o.detach,
    AttachStderr: !o.detach,
    Detach: o.detach,
    Tty: o.tty,
    Env: environment({ env: o.env, envFile: o.envFiles }, { env: process.env, readFile: (path) => readFileSync(path, 'utf8') }),
    Privileged: o.privileged,
    User: o.user ?? '',
    WorkingDir: o.workdir ?? '',
    ...(o.detachKeys === undefined ? {} : { DetachKeys: o.detachKeys }),
    ...(size && connection.api >= 42 ? { ConsoleSize: size } : {}),
  };
  const exec = (await ask<{ Id: string }>(connection, `/containers/${Id}/exec`, { method: 'POST', body })).Id;
  if (o.detach) {
    await ask(connection, `/exec/${exec}/start`, { method: 'POST', body: { Detach: true, Tty: o.tty } });
    return 0;
  }
  const socket = await hijack(connection, `/exec/${exec}/start`, {
    body: { Detach: false, Tty: o.tty, ...(size && connection.api >= 42 ? { ConsoleSize: size } : {}) },
  });
  const talk = converse(socket, { tty: o.tty, stdin, detachKeys });
  const unfollow = o.tty ? await followSize(connection, `/exec/${exec}`) : () => undefined;
  try {
    if ((await talk) === 'detached') {
      process.stderr.write('read escape sequence\n');
      return 0;
    }
  } finally {
    unfollow();
  }
  const { ExitCode, Running } = await ask<ExecInspectInfo>(connection, `/exec/${exec}/json`);
  return ExitCode ?? (Running ? 0 : 1);
}
