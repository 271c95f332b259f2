/** Published ports as `ps` shows them: `0.0.0.0:8000-8002->80-82/tcp, 90/udp`. */

export interface Port {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Neighbours with the same address and protocol become a range. */
export function portText(ports: readonly Port[]): string {
  const sorted = [...ports].sort(
    (a, b) =>
      Number(a.PublicPort === undefined) - Number(b.PublicPort === undefined) ||
      order(a.IP ?? '', b.IP ?? '') ||
      order(a.Type, b.Type) ||
      a.PrivatePort - b.PrivatePort,
  );
  const groups: { first: Port; last: Port }[] = [];
  for (const port of sorted) {
    const { last } = groups.at(-1) ?? {};
    const follows =
      last !== undefined &&
      last.IP === port.IP &&
      last.Type === port.Type &&
      last.PrivatePort + 1 === port.PrivatePort &&
      (last.PublicPort === undefined ? port.PublicPort === undefined : last.PublicPort + 1 === port.PublicPort);
    if (follows) (groups.at(-1) as { last: Port }).last = port;
    else groups.push({ first: port, last: port });
  }
  return groups
    .map(({ first, last }) => {
      const range = (from: number, to: number) => (from === to ? String(from) : `${from}-${to}`);
      const inside = `${range(first.PrivatePort, last.PrivatePort)}/${first.Type}`;
      if (first.PublicPort === undefined) return inside;
      const address = first.IP?.includes(':') ? `[${first.IP}]` : (first.IP ?? '');
      return `${address}:${range(first.PublicPort, last.PublicPort as number)}->${inside}`;
    })
    .join(', ');
}
