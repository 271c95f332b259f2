/**
 * The keeper's own program (dist/keeper.cjs): one for each container that runs detached. See
 * detached.ts for its two orders.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { closeFd, pipe } from '../../libc/fd.ts';
import { waitGone } from '../../libc/process.ts';
import { oomKills } from '../cgroup/oom.ts';
import { StepError } from '../engine/step-error.ts';
import type { KeeperAnswer, KeeperOrder } from './detached.ts';
import { finishContainer, waitContainer } from './finish.ts';
import { type LogWriter, logWriter } from './log.ts';
import { startContainer } from './make.ts';
import type { RunRequest } from './request.ts';
import { saveState, self } from './state.ts';

const ANSWER = 3;
const ORDER = 4;
const MASTER = 5;

const reply = (answer: KeeperAnswer): void => {
  writeSync(ANSWER, JSON.stringify(answer));
  closeSync(ANSWER);
};

/** Copies everything that arrives into the log; resolves at the end. */
function record(stream: Socket | ReadStream, name: 'stdout' | 'stderr', log: LogWriter): Promise<void> {
  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => log.write(name, chunk));
    stream.on('error', () => resolve());
    stream.on('close', () => resolve());
  });
}

/** The last output may still be in the pipe when the command has ended, and a child that outlives it may hold it open. */
const atMost = (promise: Promise<unknown>, ms: number): Promise<unknown> =>
  Promise.race([promise, new Promise((resolve) => setTimeout(resolve, ms))]);

async function run(request: RunRequest): Promise<void> {
  const warnings: string[] = [];
  request.warn = (sentence) => warnings.push(sentence);
  const nothing = openSync('/dev/null', 'r');
  const [outRead, outWrite] = pipe();
  const [errRead, errWrite] = pipe();
  let running: ReturnType<typeof startContainer>;
  try {
    running = startContainer(request, { stdin: nothing, stdout: outWrite, stderr: errWrite }, true);
  } catch (error) {
    const e = error as Error;
    const step = e instanceof StepError ? { code: e.code, call: e.step.call.name } : {};
    reply({ warnings, error: { name: e.name, message: e.message, ...step } });
    process.exit(125);
  }
  for (const fd of [nothing, outWrite, errWrite]) closeFd(fd);
  const log = logWriter(join(request.stateRoot, request.id, 'log'));
  const streams =
    running.master === undefined
      ? [
          record(new Socket({ fd: outRead, readable: true, writable: false }), 'stdout', log),
          record(new Socket({ fd: errRead, readable: true, writable: false }), 'stderr', log),
        ]
      : [record(new ReadStream(running.master), 'stdout', log)];
  reply({ warnings });
  const ended = await waitContainer(running).ended;
  await atMost(Promise.all(streams), 500);
  log.close();
  finishContainer(request, running.state, ended);
  process.exit(0);
}

async function adopt(order: Extract<KeeperOrder, { kind: 'adopt' }>): Promise<void> {
  const { state, stateRoot } = order;
  state.owner = self();
  saveState(stateRoot, state);
  const log = logWriter(join(stateRoot, state.id, 'log'));
  const stream = record(new ReadStream(MASTER), 'stdout', log);
  reply({ warnings: [] });
  if (state.init) await waitGone(state.init.pid);
  await atMost(stream, 500);
  log.close();
  // It is nobody's child but its first parent's, so its exit status is not to be had: 255, as `docker wait` says of a lost one.
  const ended = { code: 255, signal: 0, oomKilled: oomKills(state.cgroups) > 0 };
  finishContainer({ stateRoot, remove: state.remove }, state, ended);
  process.exit(0);
}

const order = JSON.parse(readFileSync(`/proc/self/fd/${ORDER}`, 'utf8')) as KeeperOrder;
closeSync(ORDER);
if (order.kind === 'run') void run(order.request as RunRequest);
else void adopt(order);
