/** The nodes of etcd, and how to connect to them. */
export interface EtcdAccess {
  /** `https://HOST:PORT`, 1 to 16. */
  readonly endpoints: readonly string[]
  /** PEM: the certificates that the nodes' certificates have to come from. */
  readonly ca: string
  /** PEM: this client's certificate and its key. */
  readonly cert: string
  readonly key: string
  /** The name and password for etcd's access control. */
  readonly login?: { readonly name: string; readonly password: string }
}
