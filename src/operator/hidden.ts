import type { Config, Fault, Service } from '../config/config.ts'
import { formatService, readService } from '../config/service.ts'
import { ask, findSocket } from '../control/client.ts'
import { EXPOSED_MAX, exposedText } from '../control/message.ts'
import { listedServices } from '../firewall/guard/listed.ts'
import { TABLE } from '../firewall/guard/element.ts'
import { uncovered } from '../firewall/guard/uncovered.ts'

/**
 * Warnings of ports that are hidden at the moment, and that a config would show to everybody. None for who may not look:
 * that takes the control socket of the daemon with this config, or root where none runs.
 */
export async function faultsOfHidden({ file, options, doors }: Config): Promise<readonly Fault[]> {
  const after = [...options.guard, ...doors.flatMap(({ opens }) => opens)]
  const shown = uncovered(await hiddenNow(file), after).slice(0, EXPOSED_MAX)
  return shown.map((service) => {
    return { severity: 'warning', line: 1, column: 1, message: exposedText(formatService(service)) }
  })
}

/** What is hidden at the moment: by the daemon with this config, else by the table in the kernel. */
async function hiddenNow(file: string): Promise<readonly Service[]> {
  try {
    const reply = await ask(findSocket(file, []), { command: 'status' })
    if ('status' in reply) return (reply.status.guard?.services ?? []).flatMap((text) => readService(text) ?? [])
  } catch {
    // None runs, or whoever asks may not.
  }
  return process.geteuid?.() === 0 ? await hiddenInKernel() : []
}

async function hiddenInKernel(): Promise<readonly Service[]> {
  try {
    const { Nftables } = await import('../native/nftables.ts')
    const firewall = new Nftables()
    try {
      return listedServices(firewall.run(`list table ${TABLE}`, true))
    } finally {
      firewall.close()
    }
  } catch {
    // There is no such table, or no library that would know of one.
    return []
  }
}
