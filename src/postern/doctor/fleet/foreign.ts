import { oneLine } from '../../../log/line.ts'
import { REMEDIES } from '../../../remedy/remedies.ts'
import type { Finding } from '../finding.ts'

/** The prefixes of the keys of programs that share an etcd. */
export const FOREIGN: readonly { readonly prefix: string; readonly program: string }[] = [
  { prefix: '/registry/', program: 'Kubernetes' },
  { prefix: 'compact_rev_key', program: 'Kubernetes' },
  { prefix: '/service/', program: 'Patroni' },
  { prefix: '/db/', program: 'Patroni' },
  { prefix: '/calico/', program: 'Calico' },
  { prefix: '/coreos.com/', program: 'flannel' },
  { prefix: '/apisix/', program: 'APISIX' },
]
/** The beginning of all of Postern's keys. */
const OWN = '/postern'
/** Most characters of a key that are shown. */
const SHOWN_MAX = 40

/** Finds other programs in the fleet's etcd. @param first the first key of all, then one below each of {@link FOREIGN} */
export function judgeForeign([first, ...below]: readonly (string | undefined)[]): readonly Finding[] {
  const programs = new Set(FOREIGN.flatMap(({ program }, index) => (below[index] === undefined ? [] : [program])))
  const unknown = programs.size === 0 && first !== undefined && !first.startsWith(OWN)
  if (programs.size === 0 && !unknown) return []
  const whose = unknown
    ? `another program (the key ${oneLine(first.slice(0, SHOWN_MAX))})`
    : [...programs].join(' and ')
  const message = `this etcd is also that of ${whose}: anyone who may write there can make used secrets usable again, and its load and quota are Postern's; give the fleet an etcd of its own`
  return [{ severity: 'fault', subject: 'fleet', message, fix: REMEDIES.readOfFleet() }]
}
