/** What has gone through the interfaces of a network namespace. */
import { readFileSync } from 'node:fs';
import type { InterfaceStats } from './stats.ts';

/** @param text of /proc/PID/net/dev; loopback is left out, as in Docker */
export function parseInterfaces(text: string): Record<string, InterfaceStats> {
  const found: Record<string, InterfaceStats> = {};
  for (const [, name = '', numbers = ''] of text.matchAll(/^\s*([^\s:|]+):\s*([\d ]+)$/gm)) {
    if (name === 'lo') continue;
    const [
      rx_bytes = 0,
      rx_packets = 0,
      rx_errors = 0,
      rx_dropped = 0,
      ,
      ,
      ,
      ,
      tx_bytes = 0,
      tx_packets = 0,
      tx_errors = 0,
      tx_dropped = 0,
    ] = numbers.trim().split(/ +/).map(Number);
    found[name] = { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped };
  }
  return found;
}

/** @param pid a process in the namespace; undefined when there is none any more, or no interface but loopback */
export function readInterfaces(pid: number): Record<string, InterfaceStats> | undefined {
  try {
    const found = parseInterfaces(readFileSync(`/proc/${pid}/net/dev`, 'utf8'));
    return Object.keys(found).length > 0 ? found : undefined;
  } catch {
    return undefined;
  }
}
