/** `run` in the foreground: make the container, wait for its command, take the container away. */
import type { Console } from './console.ts';
import { DEFAULT_DETACH_KEYS } from './detach-keys.ts';
import { finishContainer, waitContainer } from './finish.ts';
import { type Running, startContainer } from './make.ts';
import type { Relay } from './notify-socket.ts';
import type { Ended, RunRequest } from './request.ts';
import { type Forwarding, forwardSignals } from './signals.ts';
import { OWN_STREAMS, type Streams } from './start.ts';

const lookOnce = (relay: Relay, done: () => void) => () => {
  if (relay.look()) done();
};

/**
 * Runs a container on this process's streams until its command ends. With detach keys it returns
 * early (code 0) and leaves the container to a process of its own.
 * @param begin makes the container; `restore` has another way
 */
export async function runContainer(
  request: RunRequest,
  streams: Streams = OWN_STREAMS,
  begin: () => Running = () => startContainer(request, streams, false),
): Promise<Ended> {
  const signals: Forwarding = forwardSignals();
  let connection: Console | undefined;
  let relay: Relay | undefined;
  let looking: NodeJS.Timeout | undefined;
  try {
    const running = begin();
    relay = running.relay;
    if (relay)
      looking = setInterval(
        lookOnce(relay, () => clearInterval(looking)),
        50,
      );
    signals.to(running.pid);
    const end = waitContainer(running);
    if (running.master === undefined) {
      const ended = await end.ended;
      finishContainer(request, running.state, ended);
      return ended;
    }
    const { connectConsole } = await import('./console.ts');
    connection = connectConsole(running.master, request.detachKeys ?? DEFAULT_DETACH_KEYS);
    const ended = await Promise.race([end.ended, connection.detached.then(() => undefined)]);
    if (ended === undefined) {
      end.giveUp();
      const { adoptDetached } = await import('./detached.ts');
      await adoptDetached(request, running);
      return { code: 0, signal: 0, oomKilled: false };
    }
    finishContainer(request, running.state, ended);
    return ended;
  } finally {
    signals.stop();
    clearInterval(looking);
    relay?.look(); // what it said last
    relay?.close();
    await connection?.close();
  }
}
