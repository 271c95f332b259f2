/** Steps that talk to the kernel over a netlink socket: a request, and its acknowledgement. Source: rtnetlink(7). */
import { receive, routeSocket, send } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { add, type Draft, type Setting } from './draft.ts';

const MAN = 'rtnetlink(7)';

/** A socket for requests about interfaces, in the actor's network namespace. Returns the result that holds it. */
export function openNetlink(draft: Draft, setting: Setting, name: string): string {
  add(draft, {
    ...setting,
    call: routeSocket(),
    saves: name,
    man: MAN,
    minor: true,
    why: 'Interfaces are configured by messages to the kernel, through a netlink socket.',
  });
  return name;
}

export interface Request {
  message: Uint8Array;
  /** The message as a reader sees it. */
  shows: string;
  why: string;
  /** What it means when the kernel refuses. */
  otherwise: string;
}

/** Sends a request and checks that it was done. */
export function request(draft: Draft, setting: Setting, socket: string, { message, shows, why, otherwise }: Request): void {
  add(draft, { ...setting, call: send(ref(socket), message, shows), man: MAN, why });
  acknowledged(draft, setting, socket, otherwise);
}

/** The kernel's answer: an error number, at offset 16 of the message, that must be 0. */
export function acknowledged(draft: Draft, setting: Setting, socket: string, otherwise: string): void {
  add(draft, {
    ...setting,
    call: receive(ref(socket), 256),
    man: MAN,
    minor: true,
    why: 'The kernel acknowledges with an error number: 0 means done.',
    expect: [{ arg: 1, offset: 16, size: 4, mask: 0xffffffffn, equals: 0n, otherwise }],
  });
}
