/** Why a message is sent, for a reader who knows a shell and no containers; and where to read more. */
import type { Sent } from '../messages/message.ts';

export interface Reason {
  why: string;
  /** A page, or the file that defines the message. */
  see: string;
}

/** Who they are, in the order from the person down. */
export const PARTS: Record<string, string> = {
  docker: 'a command line that asks a daemon for everything',
  minirun: 'what you typed: turns your words into a config.json, and asks the layer below',
  dockerd: 'networks, volumes, restarts, logs: all that is about more than one process',
  containerd: 'keeps images, layers and the list of containers; starts a shim for them',
  shim: "a small process that stays: the container's parent, which holds its streams and hears of its end",
  runc: 'makes the container out of system calls, and is done',
  init: "the container's process 1",
};

/** Where a service is defined, in containerd's sources. */
const FILES: Record<string, string> = {
  'containerd.services.containers.v1.Containers': 'api/services/containers/v1/containers.proto of containerd',
  'containerd.services.tasks.v1.Tasks': 'api/services/tasks/v1/tasks.proto of containerd',
  'containerd.services.images.v1.Images': 'api/services/images/v1/images.proto of containerd',
  'containerd.services.content.v1.Content': 'api/services/content/v1/content.proto of containerd',
  'containerd.services.snapshots.v1.Snapshots': 'api/services/snapshots/v1/snapshots.proto of containerd',
  'containerd.services.diff.v1.Diff': 'api/services/diff/v1/diff.proto of containerd',
  'containerd.services.leases.v1.Leases': 'api/services/leases/v1/leases.proto of containerd',
  'containerd.services.namespaces.v1.Namespaces': 'api/services/namespaces/v1/namespace.proto of containerd',
  'containerd.services.events.v1.Events': 'api/services/events/v1/events.proto of containerd',
  'containerd.services.events.ttrpc.v1.Events': 'api/services/ttrpc/events/v1/events.proto of containerd',
  'containerd.services.introspection.v1.Introspection': 'api/services/introspection/v1/introspection.proto of containerd',
  'containerd.services.version.v1.Version': 'api/services/version/v1/version.proto of containerd',
  'containerd.task.v2.Task': 'core/runtime/v2/README.md of containerd',
};

const SHIM_PAGE = 'core/runtime/v2/README.md of containerd';
const RUNTIME_PAGE = 'runtime.md of the OCI runtime specification';

/** By service and method; what a service's other methods do is said by their names. */
const WHY: Record<string, string> = {
  'Containers/Create':
    "A container's record: its id, its labels, its config.json, and which runtime it wants. Nothing runs yet, and the record stays when the process has ended.",
  'Containers/Get': 'Reads the record of a container.',
  'Containers/List': 'Reads the records of all containers.',
  'Containers/Update': 'Changes the record of a container. A running process does not notice.',
  'Containers/Delete': 'The record goes. What ran is gone already: a record with a task cannot be deleted.',
  'Tasks/Create':
    'A task is the running side of a container. containerd starts a shim (or finds the one that it may share), and has it make the container up to the point where its command would begin.',
  'Tasks/Start':
    'Lets the command begin. Between Create and Start there was time to prepare what needs a process: its network, for instance.',
  'Tasks/Wait': 'Answered when the process has ended, however long that takes. Asked before Start, so that no end is missed.',
  'Tasks/Delete': 'Takes the ended task away: exit code, streams and shim. Until then containerd remembers how it ended.',
  'Tasks/DeleteProcess': 'Takes a further process away that has ended.',
  'Tasks/Kill': 'Sends a signal to the process; how it takes it is its own business.',
  'Tasks/Get': 'Asks how the task is: its process id, whether it runs, how it ended.',
  'Tasks/List': 'Asks how all tasks are.',
  'Tasks/Exec': 'Prepares a further process in the container; Start lets it run.',
  'Tasks/ResizePty': "The window has changed its size: the container's terminal gets the same.",
  'Tasks/CloseIO': 'Nobody will write any more: the process reads the end of its input.',
  'Tasks/Pause': 'Freezes all processes of the container where they are.',
  'Tasks/Resume': 'Lets frozen processes go on.',
  'Tasks/ListPids': 'Asks for the ids of all processes in the container.',
  'Tasks/Metrics': 'Asks what the container uses: the numbers of its cgroup.',
  'Tasks/Update': 'Changes the limits of a container that runs.',
  'Tasks/Checkpoint': 'Writes the processes down into files, to go on from there later.',
  'Snapshots/Prepare': "A writable layer on top of an image's: what the container changes lands there. The answer says how to mount it.",
  'Snapshots/View': 'The same without a writable layer.',
  'Snapshots/Mounts': 'Asks how a snapshot is to be mounted.',
  'Snapshots/Commit': 'A writable layer becomes one that others can stand on.',
  'Snapshots/Remove': "The container's own layer goes, and with it all that it has changed.",
  'Snapshots/Stat': 'Asks whether a layer is there already.',
  'Snapshots/Usage': 'Asks how much room a layer takes.',
  'Images/Get': 'Looks an image up by its name: which digest does it mean today?',
  'Images/Create': 'A name for an image: from now on its blobs are kept.',
  'Images/Update': 'The name means another image from now on.',
  'Images/Delete': 'The name goes; blobs that no other name needs are cleared away later.',
  'Images/List': 'Asks for all names of images.',
  'Content/Info': 'Asks whether a blob is there, by its digest.',
  'Content/Read': 'Reads a blob: a manifest, a config, a layer.',
  'Content/Write': 'Writes a blob. It counts only when all of it is there and has the digest that was promised.',
  'Content/Status': 'Asks how far a download has come, to go on from there.',
  'Diff/Apply': 'Unpacks a layer (a tar) into mounts that it is told.',
  'Diff/Diff': 'Compares two layers, and packs what has changed.',
  'Leases/Create':
    'Whatever is made under a lease is kept while it lasts: nothing is cleared away between two requests that belong together.',
  'Leases/Delete': 'The lease ends: what nothing else needs may be cleared away.',
  'Namespaces/Create':
    "A namespace of containerd's (not one of the kernel's): a name under which a client keeps its things apart from other clients'.",
  'Namespaces/Get': "Asks for a namespace of containerd's: a name that keeps one client's things apart from another's.",
  'Events/Subscribe': 'Asks to be told of all news that match a filter, from now on. The answer does not end.',
  'Events/Publish': 'News for all who have subscribed.',
  'Introspection/Plugins': 'Asks what this containerd can do.',
  'Version/Version': 'Asks who answers.',
};

/** What containerd asks a shim. The names are the same as above, one layer further down. */
const SHIM_WHY: Record<string, string> = {
  Create:
    "The same request, one layer down: the shim opens the streams, mounts what the root file system is made of, and calls the runtime. The container's processes become the shim's children.",
  Start: 'The shim tells the runtime to let the command begin.',
  Wait: 'Answered when the process has ended. The shim knows, because it is the parent: the kernel tells a parent of its child (wait(2)), and nobody else.',
  Delete: 'The shim has the runtime remove what is left, unmounts the root file system, and forgets the process.',
  Kill: 'The shim has the runtime send the signal.',
  State: 'Asks the shim how the process is.',
  Connect: "Asks the shim who it is: its process id, and the container's.",
  Pids: 'Asks for the processes in the container.',
  Exec: 'A further process is prepared: its streams and what it is to run.',
  ResizePty: 'The shim holds the terminal, so it sets its size.',
  CloseIO: "The shim closes the container's standard input.",
  Pause: 'The shim has the runtime freeze the container.',
  Resume: 'The shim has the runtime let it go on.',
  Stats: "The shim reads the container's cgroup.",
  Update: 'The shim has the runtime change the limits.',
  Checkpoint: 'The shim has the runtime write the processes down.',
  Shutdown: 'No container is left: the shim may end.',
};

/** News of a shim, by topic. */
const EVENT_WHY: Record<string, string> = {
  '/tasks/create': 'News from below: the container is made, and waits.',
  '/tasks/start': 'News from below: the command runs.',
  '/tasks/exit': 'News from below: a process has ended, and how.',
  '/tasks/delete': 'News from below: what was left of it is gone.',
  '/tasks/exec-added': 'News from below: a further process is prepared.',
  '/tasks/exec-started': 'News from below: the further process runs.',
  '/tasks/oom': 'News from below: the container went over its memory limit, and the kernel killed a process of it.',
  '/tasks/paused': 'News from below: the container is frozen.',
  '/tasks/resumed': 'News from below: it goes on.',
};

/** What a shim asks the runtime, as a call into its module or as a command. */
const RUNTIME_WHY: Record<string, string> = {
  create: 'Makes the container out of its config.json, up to the moment before its command: the steps are the program below.',
  start: 'Opens the gate at which init waits, and the command begins.',
  kill: "Sends a signal to the container's process 1.",
  delete: "Removes the container's cgroup and its state. It is stopped, so nothing runs any more.",
  exec: 'Starts a further process in the namespaces of the container.',
  pause: 'Freezes the cgroup.',
  resume: 'Thaws the cgroup.',
  update: 'Writes other limits into the cgroup.',
  ps: 'Reads which processes the cgroup has.',
  checkpoint: 'Has criu write the processes down.',
  restore: 'Has criu make the processes again.',
};

const API_PAGE = 'the reference of the Docker Engine API (docs.docker.com/reference/api/engine)';

/** What a client asks of dockerd, by method and path. */
const API_WHY: [request: RegExp, why: string][] = [
  [/^(HEAD|GET) \/_ping$/, 'Is a daemon there, and which version of its API does it speak? The answer is in the headers.'],
  [
    /^POST \/containers\/create$/,
    'Everything that you typed, as JSON: Config is what the image could say too, HostConfig what concerns this machine. The daemon checks it, makes a writable layer on top of the image, and writes the container down. Nothing runs.',
  ],
  [
    /^POST \/containers\/[^/]+\/attach$/,
    "The connection stops being HTTP: from here on it carries the container's output and your input, in frames that say which stream they belong to. Asked before the start, so that nothing of it is missed.",
  ],
  [
    /^POST \/containers\/[^/]+\/wait$/,
    'Answered when the container has ended: the body of the answer is its exit code. The headers come at once, so that the client knows that its end will be noticed.',
  ],
  [
    /^POST \/containers\/[^/]+\/start$/,
    "Now the daemon makes a config.json of what it wrote down, finds volumes and networks, opens the container's streams, and asks containerd for a task.",
  ],
  [/^POST \/containers\/[^/]+\/resize$/, 'Your window has so many rows and columns: the terminal inside gets the same.'],
  [/^POST \/containers\/[^/]+\/kill$/, "A signal for the container's process 1."],
  [/^POST \/containers\/[^/]+\/stop$/, 'A signal that can be caught, some time, and then the one that cannot.'],
  [/^DELETE \/containers\/[^/]+$/, 'The container goes: its layer, its log, its record.'],
  [/^GET \/containers\/[^/]+\/json$/, 'All that the daemon knows of the container.'],
  [/^GET \/containers\/json$/, 'The list of containers.'],
  [/^POST \/containers\/[^/]+\/exec$/, 'A further process for the container, written down and not started.'],
  [/^POST \/exec\/[^/]+\/start$/, 'The further process starts; the connection becomes its streams.'],
  [/^GET \/exec\/[^/]+\/json$/, 'How is it, and how did it end?'],
  [/^POST \/images\/create$/, 'An image is to be downloaded. The answer tells how far it has come, a line of JSON at a time.'],
  [/^GET \/images\/.+\/json$/, 'What an image is: its config, its layers, its names.'],
];

const SHIM_START: Reason = {
  why: 'containerd starts the shim as a program of its own: it must live on when containerd is updated or dies, for it is the parent of the container. The program prints the address of its socket, leaves a server behind, and ends.',
  see: SHIM_PAGE,
};
const SHIM_DELETE: Reason = {
  why: 'The shim is started once more, to clear away what one that died may have left: mounts, processes, state.',
  see: SHIM_PAGE,
};

/** `Tasks/Create` of `containerd.services.tasks.v1.Tasks/Create`: what people call it. */
export const shortName = (name: string): string => {
  // A request of HTTP is called by its method and path.
  if (name.includes(' ')) return name.replace(/\b[0-9a-f]{64}\b/g, (id) => id.slice(0, 12));
  const [service = '', method] = name.split('/');
  return method === undefined ? name : `${service.slice(service.lastIndexOf('.') + 1)}/${method}`;
};

/** What an event is about: `/tasks/exit`. */
export function topicOf({ name, carries }: Pick<Sent, 'name' | 'carries'>): string | undefined {
  if (!name.includes('.events.')) return undefined;
  const envelope = carries.envelope;
  const topic = typeof envelope === 'object' && !Array.isArray(envelope) ? envelope.topic : carries.topic;
  return typeof topic === 'string' ? topic : undefined;
}

/** Of what we do not know, the name must say it. */
export function reasonOf(message: Sent): Reason | undefined {
  const [service = '', method = ''] = message.name.split('/');
  const topic = topicOf(message);
  const see = FILES[service] ?? '';
  const news = topic === undefined ? undefined : EVENT_WHY[topic];
  if (news) return { why: news, see };
  if (service === 'containerd.task.v2.Task') return SHIM_WHY[method] ? { why: SHIM_WHY[method], see } : undefined;
  if (message.to === 'shim' && message.protocol === 'a new process') return message.name === 'delete' ? SHIM_DELETE : SHIM_START;
  if (message.to === 'runc') return RUNTIME_WHY[message.name] ? { why: RUNTIME_WHY[message.name] as string, see: RUNTIME_PAGE } : undefined;
  if (message.to === 'dockerd') {
    const found = API_WHY.find(([request]) => request.test(message.name));
    return found ? { why: found[1], see: API_PAGE } : undefined;
  }
  const why = WHY[shortName(message.name)];
  return why ? { why, see } : undefined;
}
