/** The process that holds containers: it serves containerd's Task service, and outlives containerd. */
import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { call } from '../libc/fd.ts';
import { must } from '../libc/ffi.ts';
import { releaseWhenIdle } from '../libc/idle.ts';
import { received } from '../messages/received.ts';
import { type TaskCreate, TaskCreateSchema, type TaskDelete, TaskDeleteSchema } from '../proto/containerd/events/task_pb.ts';
import { Task } from '../proto/containerd/task/v2/task_pb.ts';
import { Group as GroupService } from '../proto/minirun/shim/v1/group_pb.ts';
import { clearAway } from './clear-away.ts';
import type { Flags } from './flags.ts';
import { groupService } from './group-service.ts';
import { type Group, groupOf, makeSocketFolder } from './grouping.ts';
import { openLog } from './log.ts';
import { membersOf } from './members.ts';
import { openPublisher } from './publish.ts';
import { RUNTIME_ROOT } from './runtime-root.ts';
import { enterCgroup, shimCgroup, startOptions } from './shim-cgroup.ts';
import { withSocketLock } from './socket-lock.ts';
import { LISTEN_FD } from './start.ts';
import type { Observe } from './task/context.ts';
import { taskService } from './task/service.ts';
import { serveTtrpc } from './ttrpc/server.ts';

const PR_SET_CHILD_SUBREAPER = 36;
/** How long an empty process waits for the next container: starting one takes Node longer than anything else here. */
const LINGER_MS = 30_000;
/** One that holds a single group goes sooner: only `delete` will call it again. */
const LINGER_ALONE_MS = 2000;
/** Time for what was just answered to be sent. */
const PARTING_MS = 20;
const FLUSH_MS = 5000;

/**
 * Serves until nothing is left to hold. Never returns: it ends the process.
 * @param observe who watches the runtime's steps
 * @throws Error when it cannot begin
 */
export function serve(flags: Flags, observe?: Observe): void {
  const path = flags.socket.replace(/^unix:\/\//, '');
  if (!path) throw new Error('there is no socket to serve: call it with start, or with -socket');
  // What start has made already, so that whoever called it finds it.
  const inherited = isSocket(LISTEN_FD);
  const group = inherited ? groupOf(readFileSync('config.json', 'utf8'), flags.id) : ({ kind: 'container', name: flags.id } as const);
  const cgroup = shimCgroup(startOptions());
  if (cgroup) enterCgroup(cgroup);
  detach();

  const log = openLog(flags.debug);
  const publisher = openPublisher({
    namespace: flags.namespace,
    address: process.env.TTRPC_ADDRESS ?? '',
    binary: flags.publishBinary,
    grpcAddress: flags.address,
    log: log.error,
  });
  const members = membersOf();
  const busy = releaseWhenIdle();
  const server = createServer();

  let timer: NodeJS.Timeout | undefined;
  /** Ends the process after a while, unless something comes meanwhile. */
  const endLater = (ms: number) => {
    clearTimeout(timer);
    timer = members.empty ? setTimeout(() => void end(), ms) : undefined;
  };
  const end = async (always = false) => {
    await publisher.flush(FLUSH_MS);
    // Under the lock: a `start` either has joined by now, or finds no socket, or is hung up on.
    const over = withSocketLock(makeSocketFolder(), () => {
      if (!members.close() && !always) return false;
      rmSync(path, { force: true });
      return true;
    });
    if (over) process.exit(0);
  };

  const service = taskService({
    namespace: flags.namespace,
    runtimeRoot: RUNTIME_ROOT,
    publish(topic, schema, event) {
      if (schema.typeName === TaskCreateSchema.typeName) members.created((event as unknown as TaskCreate).containerId);
      if (schema.typeName === TaskDeleteSchema.typeName && !(event as unknown as TaskDelete).id) {
        log.follow(members.deleted((event as unknown as TaskDelete).containerId));
      }
      publisher.publish(topic, schema, event);
    },
    log: log.info,
    onEmpty: () => endLater(lingerOf(group)),
    observe,
  });
  const tasks: typeof service = {
    ...service,
    // Who was promised and could not be made is not on its way any more; not every containerd says so with `delete`.
    async create(request, context) {
      try {
        return (await service.create?.(request, context)) ?? {};
      } catch (error) {
        if (!members.has(request.id)) log.follow(members.leave(request.id));
        throw error;
      }
    },
  };
  const groups = groupService({
    members,
    tasks,
    log,
    cleanUp: (id, bundle) => clearAway(flags.namespace, id, bundle, log.info),
    onLeave: () => endLater(group.kind === 'namespace' ? lingerOf(group) : PARTING_MS),
  });
  const told = received((router) => router.service(Task, tasks), { from: 'containerd', to: 'shim', protocol: 'ttrpc' });
  serveTtrpc(server, (router) => {
    told(router);
    router.service(GroupService, groups);
  });
  server.on('connection', (socket) => socket.on('data', busy));
  server.on('error', (error) => {
    log.error(`serve ${path}: ${error.message}`);
    process.exit(1);
  });
  server.listen(inherited ? { fd: LISTEN_FD } : path);

  // As containerd's own shim: it goes, its connections break, and containerd has `delete` clear the containers away.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(true));
  process.on('SIGPIPE', () => undefined);
  // For the container that never comes, and whatever else is forgotten.
  setInterval(() => {
    if (members.empty && !timer) endLater(0);
  }, LINGER_MS).unref();
  endLater(LINGER_MS);
}

/** Away from what started it: its input, its folder, its score. */
function detach(): void {
  must('become the reaper of all below', call('prctl', PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
  const nothing = openSync('/dev/null', constants.O_RDWR);
  call('dup3', nothing, 0, 0);
  call('dup3', nothing, 1, 0);
  closeSync(nothing);
  raiseOomScore();
  process.chdir('/');
}

/** One more than containerd's: memory is better taken from one shim than from the daemon of all (proc_pid_oom_score_adj(5)). */
function raiseOomScore(): void {
  const file = '/proc/self/oom_score_adj';
  try {
    writeFileSync(file, String(Math.min(1000, Number(readFileSync(file, 'utf8')) + 1)));
  } catch {
    // A hardened machine; it only matters when memory is gone.
  }
}

function lingerOf(group: Group): number {
  if (group.kind !== 'namespace') return LINGER_ALONE_MS;
  const seconds = Number.parseFloat(process.env.MINIRUN_SHIM_LINGER ?? '');
  return Number.isFinite(seconds) ? Math.max(PARTING_MS, seconds * 1000) : LINGER_MS;
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
