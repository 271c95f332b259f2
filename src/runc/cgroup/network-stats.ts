/** The network interfaces of a container and what went through them. Source: proc_pid_net(5), /proc/PID/net/dev. */
import { readlinkSync } from 'node:fs';
import { readQuietly } from './processes.ts';

/** As the container sees it: Rx is what came in. */
export interface NetworkInterface {
  Name: string;
  RxBytes: bigint;
  RxPackets: bigint;
  RxErrors: bigint;
  RxDropped: bigint;
  TxBytes: bigint;
  TxPackets: bigint;
  TxErrors: bigint;
  TxDropped: bigint;
}

/** The lines of /proc/PID/net/dev, the loopback interface left out: nothing that it carries leaves the container. */
export function parseNetDev(text: string): NetworkInterface[] {
  return text.split('\n').flatMap((line) => {
    const parts = /^\s*([^:\s]+):\s*(.*)$/.exec(line);
    if (!parts || parts[1] === 'lo') return [];
    const n = (parts[2] as string).split(/\s+/).map((word) => (/^\d+$/.test(word) ? BigInt(word) : 0n));
    const at = (index: number): bigint => n[index] ?? 0n;
    return [
      {
        Name: parts[1] as string,
        RxBytes: at(0),
        RxPackets: at(1),
        RxErrors: at(2),
        RxDropped: at(3),
        TxBytes: at(8),
        TxPackets: at(9),
        TxErrors: at(10),
        TxDropped: at(11),
      },
    ];
  });
}

const networkOf = (pid: number | 'self'): string => {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
};

/** Null where the container has none of its own: those of the host are not its use. */
export function interfacesOf(pid: number): NetworkInterface[] | null {
  if (!pid || networkOf(pid) === networkOf('self')) return null;
  const found = parseNetDev(readQuietly(`/proc/${pid}/net/dev`));
  return found.length ? found : null;
}
