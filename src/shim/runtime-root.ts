/** The folder below which a runtime keeps its containers' state, one folder a namespace: the one that containerd's shim uses for runc. */
export const RUNTIME_ROOT = '/run/containerd/runc';
