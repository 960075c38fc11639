import type { EtcdUnavailable, UnavailableKind } from './unavailable.ts'

/** What brings nodes back. */
export const START_NODES = 'start the nodes that are down (systemctl status etcd on each)'
/** The remedies of faults whose hint, if there is one, is what each member said. */
const ADVICE: Partial<Readonly<Record<UnavailableKind, string>>> = {
  'no-majority': START_NODES,
  'no-answer': 'look whether the nodes run (systemctl status etcd on each), and let this host reach their port',
}

type Fault = Pick<EtcdUnavailable, 'kind' | 'reason' | 'hint'>

/** Returns what to do about a fault; `undefined`: nothing is known. */
export function remedyOf({ kind, hint }: Fault): string | undefined {
  return ADVICE[kind] ?? hint
}

/** Returns a fault in one line: the reason, what each member said, and what to do. */
export function explained(fault: Fault): string {
  const { kind, reason, hint } = fault
  const remedy = remedyOf(fault)
  const said = ADVICE[kind] === undefined || hint === undefined ? '' : ` (${hint})`
  return `${reason}${said}${remedy === undefined ? '' : `: ${remedy}`}`
}
