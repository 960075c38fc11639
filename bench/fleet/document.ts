import type { Facts as RunFacts, Place } from '../results.ts'
import { Figure } from '../row.ts'
import type { CalculatedFact, MergedRow } from '../row.ts'
import { markdown, withPeer } from '../table.ts'
import { FLEET_HOSTS, FLEET_USERS, demand } from './demand.ts'
import type { Facts } from './demand.ts'

/** The figures from which something is calculated. */
export const CALCULATED: readonly CalculatedFact[] = [
  'claimsPerS',
  'connections',
  'restBytes',
  'restCpuMs',
  'memoryKiB',
  'signBytes',
  'claimCpuMs',
  'toldBytes',
  'toldCpuMs',
  'pushMiB',
  'userBytes',
  'claimBytes',
]

/** The document of the fleet, with what was measured and what is calculated from it. */
export const FLEET: Place = { file: 'doc/fleet.md', marker: 'script/bench fleet', prefix: 'fleet-', text: fleetText }

/** Returns the two tables of the document. @throws Error if a figure is missing */
export function fleetText(rows: readonly MergedRow[], { date, lines, runs, quick }: RunFacts): string {
  const shown = rows.filter(({ fact }) => fact !== undefined)
  const measured = shown.map(({ measure, ours, theirs, peer, ratio }) => [
    measure.replace(/^ {2}/, '… '),
    String(ours ?? '-'),
    withPeer(theirs, peer),
    String(ratio ?? '-'),
  ])
  const calculated = demand(factsOf(shown)).map(({ what, how, value }) => [what, how, value])
  const how = `${runs === 1 ? 'one run' : `${runs} runs`} of \`script/bench ${quick ? '--quick ' : ''}fleet\` on ${date}`
  return [
    `Measured by ${how}. ${lines.join('. ')}. Everything ran on this machine: three nodes of etcd, the hosts and the clients.${busy(lines)}`,
    markdown([['measured', 'Postern', 'compared with', 'ratio'], ...measured]),
    `Calculated from these figures, not measured, for ${FLEET_HOSTS} hosts and ${FLEET_USERS} users on three nodes of etcd:`,
    markdown([['calculated', 'from', 'result'], ...calculated]),
  ]
    .map((part) => `${part.trimEnd()}\n`)
    .join('\n')
}

/** Returns a remark if the machine was busy before the bench. */
function busy(lines: readonly string[]): string {
  const load = lines.map((line) => Number(/^Load of the machine before: ([\d.]+)$/.exec(line)?.[1] ?? 0))
  return Math.max(...load) < 1 ? '' : ' The machine was busy with other work: times are longer than they should be.'
}

function factsOf(rows: readonly MergedRow[]): Facts {
  const entries = CALCULATED.map((fact) => {
    const cell = rows.find((row) => row.fact === fact)?.ours
    if (!(cell instanceof Figure)) throw new Error(`no measure has the figure ${fact}`)
    return [fact, cell.median] as const
  })
  return Object.fromEntries(entries) as Facts
}
