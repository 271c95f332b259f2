/** Somebody who is connected to a container's streams: output as frames or raw, input until they close it. */

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { frame } from '../http/stdcopy.ts';
import type { Listener, Stream, Streams } from './streams.ts';

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Without frames: all output is one stream. */
  tty: boolean;
  /** Close the process's input when this client has closed its own. */
  once: boolean;
  /** Leave the connection open at the end of the output: the caller ends it when all else is done. */
  hold?: boolean;
}

/** Bytes that may wait for a client that reads slowly. Then the process waits. */
const ENOUGH = 1 << 20;

/**
 * Connects a client until it goes away, or until there is no more output.
 * @returns resolves at that moment; the connection is closed then
 */
export function attach(connection: Duplex, streams: Streams, options: AttachOptions): Promise<void> {
  const wanted: Record<Stream, boolean> = { stdout: options.stdout, stderr: options.stderr };
  const listener: Listener = {
    output(stream: Stream, chunk: Buffer) {
      if (!wanted[stream] || connection.destroyed || connection.writableEnded) return true;
      connection.write(options.tty ? Buffer.from(chunk) : frame(stream, chunk));
      if (connection.writableLength < ENOUGH) return true;
      connection.once('drain', () => streams.resume(listener));
      return false;
    },
    end: () => void (options.hold || connection.end()),
  };
  return new Promise((resolve) => {
    const detach = streams.attach(listener);
    connection.on('close', () => {
      detach();
      resolve();
    });
    connection.on('error', () => connection.destroy());
    if (options.stdin && streams.input) {
      feed(connection, streams.input, () => {
        // Who leaves a terminal leaves it to the next one: a shell would take the end of its input for its own.
        if (options.once && !options.tty) streams.closeInput();
      });
    } else connection.resume();
    // Nothing to read and nothing to send: only the end of the input was of interest.
    if (!options.stdout && !options.stderr) atEnd(connection, () => connection.end());
  });
}

/** Not pipe(): the input stays open for the next client. */
function feed(from: Duplex, into: Socket, closed: () => void): void {
  from.on('data', (chunk: Buffer) => {
    if (into.destroyed || into.write(chunk)) return;
    from.pause();
    into.once('drain', () => from.resume());
  });
  into.on('close', () => from.resume());
  atEnd(from, closed);
}

/** Also one that closed its half before anybody looked: a socket without data tells its end although nobody reads. */
function atEnd(from: Duplex, act: () => void): void {
  if (from.readableEnded) act();
  else from.on('end', act);
}
