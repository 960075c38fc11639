import type { EtcdUnavailable, UnavailableKind } from './unavailable.ts'

/** The remedies of faults whose hint, if there is one, is what each member said. */
const ADVICE: Partial<Readonly<Record<UnavailableKind, string>>> = {
  'no-majority': 'start the nodes that are down (systemctl status etcd on each)',
  'no-answer': 'look whether the nodes run (systemctl status etcd on each), and let this host reach their port',
}

/** Returns a fault in one line: the reason, what each member said, and what to do. */
export function explained({ kind, reason, hint }: Pick<EtcdUnavailable, 'kind' | 'reason' | 'hint'>): string {
  const advice = ADVICE[kind]
  const [said, remedy] = advice === undefined ? [undefined, hint] : [hint, advice]
  return `${reason}${said === undefined ? '' : ` (${said})`}${remedy === undefined ? '' : `: ${remedy}`}`
}
