import type { EtcdUnavailable, UnavailableKind } from './unavailable.ts'

/** The remedy for nodes that are down. */
export const START_NODES = 'start the nodes that are down (systemctl status etcd on each)'
/** The remedies of faults whose hint, if there is one, is what each member said. */
const ADVICE: Partial<Readonly<Record<UnavailableKind, string>>> = {
  'no-majority': START_NODES,
  'no-answer': 'look whether the nodes run (systemctl status etcd on each), and let this host reach their port',
  reset:
    'so etcd answers a certificate that was revoked: if an operator has removed this host, it is to be invited again; otherwise look whether the nodes run (systemctl status etcd on each)',
}

type Fault = Pick<EtcdUnavailable, 'kind' | 'reason' | 'hint'>

/** Returns what to do about a fault; `undefined`: nothing is known. */
export function remedyOf({ kind, hint }: Fault): string | undefined {
  return ADVICE[kind] ?? hint
}

/** Returns the reason of a fault, with what each member said. */
export function saidIn({ kind, reason, hint }: Fault): string {
  return ADVICE[kind] === undefined || hint === undefined ? reason : `${reason} (${hint})`
}

/** Returns a fault in one line: the reason, what each member said, and what to do. */
export function explained(fault: Fault): string {
  const remedy = remedyOf(fault)
  return `${saidIn(fault)}${remedy === undefined ? '' : `: ${remedy}`}`
}
