/** Services that are written for a router of Connect, as a table of their methods. */
import type { DescMethod } from '@bufbuild/protobuf';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';

export type Implementation = (request: unknown, context: HandlerContext) => unknown;

export interface Route {
  method: DescMethod;
  implementation: Implementation;
}

/** By service, then by method. */
export type Routes = ReadonlyMap<string, ReadonlyMap<string, Route>>;

/** What a router is told, as a table. The router's own protocols are not needed then, and cost memory. */
export function routesOf(routes: (router: ConnectRouter) => void): Routes {
  const table = new Map<string, Map<string, Route>>();
  const add = (method: DescMethod, implementation: Implementation) => {
    const { typeName } = method.parent;
    table.set(typeName, (table.get(typeName) ?? new Map()).set(method.name, { method, implementation }));
  };
  const router: ConnectRouter = {
    handlers: [],
    service(service, implementation) {
      if (!table.has(service.typeName)) table.set(service.typeName, new Map());
      for (const method of service.methods) {
        const one = (implementation as Record<string, Implementation | undefined>)[method.localName];
        if (one) add(method, one.bind(implementation));
      }
      return this;
    },
    rpc(method, implementation) {
      add(method, implementation as Implementation);
      return this;
    },
  };
  routes(router);
  return table;
}
