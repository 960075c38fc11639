/** The members of an etcd cluster, and the certificates for mutual TLS with them. */
export interface EtcdAccess {
  /** Base addresses of the members, such as `https://192.0.2.1:2379`: 1 to {@link ENDPOINTS_MAX}. */
  readonly endpoints: readonly string[]
  /** The authority that signed the certificates of the members, in PEM. Others are not trusted. */
  readonly ca: string
  /** The client's certificate in PEM and its private key. With access control, it has no common name. */
  readonly cert: string
  readonly key: string
  /** For a cluster with access control. */
  readonly login?: { readonly name: string; readonly password: string }
}

/** The maximum number of members that a client knows. A cluster has 3 or 5, at most 7. */
export const ENDPOINTS_MAX = 16

/**
 * Returns why a text is not the address of a member, or `undefined`: `https`, a host and a port, nothing behind them.
 */
export function endpointFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'not an address'
  const url = new URL(text)
  if (url.protocol !== 'https:') return 'not an https address'
  if (url.username !== '' || url.password !== '') return 'an address with a user name'
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return 'an address with a path'
  return undefined
}
