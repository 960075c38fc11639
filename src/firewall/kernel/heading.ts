import { quote } from '../../config/fault.ts'
import { formatService } from '../../config/service.ts'
import type { Family } from '../../packet/address.ts'
import { SCAN_WINDOW_S } from './flag.ts'
import type { KernelPlan } from './plan.ts'

/** The first words of what `postern firewall` prints: by them a file is known to be ours. */
export const PRINTED_BY = '# Printed by `postern firewall'

/** Seconds after which the rules are taken back, in the way to load them that the comment shows. */
const UNDO_AFTER_S = 120

const TABLES = { 4: 'iptables', 6: 'ip6tables' } as const

/** What stands on top of a ruleset for nft. */
export function nftHeading(plan: KernelPlan, table: string): readonly string[] {
  return [
    '#!/usr/sbin/nft -f',
    ...about(plan),
    '# Forwarded packets, and so the ports of containers, are not touched, nor is any other table. What this table lets',
    '# pass can still be refused by another one. Loading it again ends what is open and begun; connections stay.',
    '#',
    '# To load it so that it takes itself back unless you say otherwise:',
    `#   systemd-run --unit=postern-undo --on-active=${UNDO_AFTER_S} nft delete table ${table}`,
    '#   nft -f FILE',
    '#   (knock and log in over a new connection; if that works:)',
    '#   systemctl stop postern-undo.timer',
    `# To take it away: nft delete table ${table}`,
  ]
}

/** What stands on top of a ruleset for iptables-restore or ip6tables-restore. */
export function iptablesHeading(plan: KernelPlan, family: Family): readonly string[] {
  const tool = TABLES[family]
  return [
    ...about(plan),
    `# This part is for IPv${family}: ${tool}-restore. It has the chain INPUT to itself and empties it first. With --noflush all`,
    '# other chains stay as they are, those for forwarded packets among them; without, they go.',
    '#',
    '# To load it so that it takes itself back unless you say otherwise:',
    `#   ${tool}-save > /root/before.v${family}`,
    `#   systemd-run --unit=postern-undo${family} --on-active=${UNDO_AFTER_S} ${tool}-restore /root/before.v${family}`,
    `#   ${tool}-restore --noflush FILE`,
    '#   (knock and log in over a new connection; if that works:)',
    `#   systemctl stop postern-undo${family}.timer`,
    '#',
    '# The recent match keeps 100 sources in a list unless it is told otherwise, and forgets the oldest: a flood of made-up',
    '# sources can end attempts that are under way and let scanners be forgotten. To keep more, before the module is loaded:',
    "#   echo 'options xt_recent ip_list_tot=8192' > /etc/modprobe.d/xt_recent.conf",
    '# (or xt_recent.ip_list_tot=8192 on the command line of a kernel that has it built in). Kernels before 3.19 also need',
    '# ip_pkt_list_tot there, not below Scan_Ports.',
  ]
}

function about({ file, doors, allowed, scanPorts, scanIgnoreMs, drops }: KernelPlan): readonly string[] {
  const open = allowed.length === 0 ? 'none; --allow tcp/80,tcp/443 names some' : allowed.map(formatService).join(', ')
  const scan =
    scanPorts === 0
      ? '# There is no scan guard: Scan_Ports is 0.'
      : `# A source at ${scanPorts} distinct wrong ports, none more than ${SCAN_WINDOW_S} s after another, is ignored for ${scanIgnoreMs / 1000} s.`
  return [
    `${PRINTED_BY} kernel\` from ${quote(file)}. The kernel alone does the knocking: no daemon`,
    "# runs, no log is written. It holds secrets: keep it from all eyes but root's.",
    '#',
    `# Every port of this host is ${drops ? 'silent' : 'closed'} but to loopback, established connections, and:`,
    ...doors.map(
      ({ name, ports, openForMs, seqTimeoutMs }) =>
        `#   ${ports.map(formatService).join(', ')} for ${openForMs / 1000} s after the knocks of door ${quote(name)}, made within ${seqTimeoutMs / 1000} s`,
    ),
    `#   ports that are open to everybody: ${open}`,
    '# A wrong port puts the source back to the beginning; the same knock sent again does not.',
    scan,
  ]
}
