import { presentStatus } from './control/present-status.ts'
import type { Config, Service } from '../config/config.ts'
import type { Fault } from '../text/fault.ts'
import { formatService, readService } from '../config/service.ts'
import { EXPOSED_MAX, exposedText } from '../control/message.ts'
import { listedServices } from '../firewall/guard/listed.ts'
import { TABLE } from '../firewall/guard/element.ts'
import { uncovered } from '../firewall/guard/merge.ts'

/**
 * Returns warnings of ports that are hidden at the moment, and that a config would expose to everybody. A user who may
 * use neither the daemon's control socket nor the kernel's table, which takes root, gets none.
 */
export async function faultsOfHidden({ file, options, doors }: Config): Promise<readonly Fault[]> {
  const after = [...options.guard, ...doors.flatMap(({ opens }) => opens)]
  const shown = uncovered(await hiddenNow(file), after).slice(0, EXPOSED_MAX)
  return shown.map((service) => {
    return { severity: 'warning', line: 1, column: 1, message: exposedText(formatService(service)) }
  })
}

/** Returns the ports that the daemon of this config hides. If none answers, root gets those of the kernel's table. */
async function hiddenNow(file: string): Promise<readonly Service[]> {
  const status = await presentStatus(file, [])
  if (status !== undefined) return (status.guard?.services ?? []).flatMap((text) => readService(text) ?? [])
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
    // The table does not exist, or the library that lists it is missing.
    return []
  }
}
