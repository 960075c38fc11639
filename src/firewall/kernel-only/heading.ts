import { quote } from '../../text/fault.ts'
import { formatService } from '../../config/service.ts'
import type { Family } from '../../packet/address.ts'
import { SCAN_WINDOW_S } from './chains.ts'
import type { KernelPlan } from './plan.ts'

/** The first words of a file that `postern firewall` prints. They identify such a file. */
export const PRINTED_BY = '# Printed by `postern firewall'

/** Seconds after which the rules are removed again, in the commands that the comment shows. */
const UNDO_AFTER_S = 120

const TABLES = { 4: 'iptables', 6: 'ip6tables' } as const

/** Returns the comment at the top of a ruleset for nft. */
export function nftHeading(plan: KernelPlan, table: string): readonly string[] {
  return [
    '#!/usr/sbin/nft -f',
    ...about(plan),
    '# Forwarded packets, and so the ports of containers, are not affected, nor is any other table. Another table can',
    '# still refuse what this one accepts. Loading it again closes all doors and ends all attempts; connections stay.',
    '#',
    '# To load it so that it is undone unless you confirm it:',
    `#   systemd-run --unit=postern-undo --on-active=${UNDO_AFTER_S} nft delete table ${table}`,
    '#   nft -f FILE',
    '#   (knock and log in over a new connection; if that works:)',
    '#   systemctl stop postern-undo.timer',
    `# To remove it: nft delete table ${table}`,
  ]
}

/** Returns the comment at the top of a ruleset for iptables-restore or ip6tables-restore. */
export function iptablesHeading(plan: KernelPlan, family: Family): readonly string[] {
  const tool = TABLES[family]
  return [
    ...about(plan),
    `# This part is for IPv${family}: ${tool}-restore. It replaces the chain INPUT. With --noflush, all other chains stay,`,
    '# including those for forwarded packets; without --noflush, they are removed.',
    '#',
    '# To load it so that it is undone unless you confirm it:',
    `#   ${tool}-save > /root/before.v${family}`,
    `#   systemd-run --unit=postern-undo${family} --on-active=${UNDO_AFTER_S} ${tool}-restore /root/before.v${family}`,
    `#   ${tool}-restore --noflush FILE`,
    '#   (knock and log in over a new connection; if that works:)',
    `#   systemctl stop postern-undo${family}.timer`,
    '#',
    '# By default the recent match keeps 100 sources in a list and forgets the oldest. A flood of forged sources can end',
    '# attempts and make it forget scanners. To keep more, before the module is loaded:',
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
    `${PRINTED_BY} kernel\` from ${quote(file)}. The kernel alone handles the knocks: no daemon`,
    '# runs, no log is written. It contains secrets: let only root read it.',
    '#',
    `# Every port of this host is ${drops ? 'silent' : 'closed'} but to loopback, established connections, and:`,
    ...doors.map(
      ({ name, ports, openForMs, seqTimeoutMs }) =>
        `#   ${ports.map(formatService).join(', ')} for ${openForMs / 1000} s after the knocks of door ${quote(name)}, made within ${seqTimeoutMs / 1000} s`,
    ),
    `#   ports that are open to everybody: ${open}`,
    '# A wrong port moves the source back to the beginning; the same knock sent again does not.',
    scan,
  ]
}
