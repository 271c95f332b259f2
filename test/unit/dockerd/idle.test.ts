import { EventEmitter } from 'node:events';
import type { Server } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Container } from '../../../src/dockerd/container/containers.ts';
import { openEvents } from '../../../src/dockerd/events.ts';
import { endWhenIdle } from '../../../src/dockerd/idle.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A daemon with one container, that is told apart by its status. */
function watched(Status: string, seconds = 10) {
  const server = new EventEmitter();
  const state = { Status };
  const events = openEvents(() => BigInt(Date.now()) * 1_000_000n);
  const end = vi.fn();
  const containers = { list: () => [{ record: { State: state } } as unknown as Container] };
  const stop = endWhenIdle({ servers: [server as Server], containers, events, seconds, end });
  const connect = () => {
    const socket = new EventEmitter();
    server.emit('connection', socket);
    return () => socket.emit('close');
  };
  return { state, events, end, stop, connect };
}

test('ends when there was nobody for so long', () => {
  const { end } = watched('exited');
  vi.advanceTimersByTime(9_900);
  expect(end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(end).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(100_000);
  expect(end).toHaveBeenCalledOnce();
});

test('a client keeps it, and the time begins when the last one goes', () => {
  const { end, connect } = watched('exited');
  const [close, closeOther] = [connect(), connect()];
  vi.advanceTimersByTime(25_000);
  close();
  vi.advanceTimersByTime(20_000);
  expect(end).not.toHaveBeenCalled();
  closeOther();
  vi.advanceTimersByTime(9_900);
  expect(end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(end).toHaveBeenCalledOnce();
});

test.each(['running', 'paused', 'restarting'])('a container that is %s keeps it; the time begins with its end', (status) => {
  const { end, state, events } = watched(status);
  vi.advanceTimersByTime(25_000);
  state.Status = 'exited';
  events.publish('container', 'die', 'abc');
  vi.advanceTimersByTime(9_900);
  expect(end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(end).toHaveBeenCalledOnce();
});

test('0 means never, and a watch can be stopped', () => {
  const [never, stopped] = [watched('exited', 0), watched('exited')];
  stopped.stop();
  vi.advanceTimersByTime(1_000_000);
  expect(never.end).not.toHaveBeenCalled();
  expect(stopped.end).not.toHaveBeenCalled();
});
