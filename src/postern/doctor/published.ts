import type { Config, Service } from '../../config/config.ts'
import { readConfig } from '../../config/read.ts'
import { formatService, protocolName } from '../../config/service.ts'
import { sameAddress } from '../../packet/address.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Remedy } from '../../remedy/remedies.ts'
import { publishedIn } from '../../twin/cause/published.ts'
import { ruleLines } from '../../twin/rules.ts'
import type { Rules } from '../../twin/rules.ts'
import type { Finding } from './finding.ts'

/**
 * Finds doors that name a container's port which this machine publishes under a port of its own. The guard filters
 * connections before their destination is rewritten: there they still go to the published port of this machine.
 *
 * @param text the text of the config
 * @param pid the process of the daemon with this config; `undefined` if none runs
 */
export function judgePublished(
  { doors, file, options }: Config,
  text: string,
  rules: Rules,
  pid: number | undefined,
): readonly Finding[] {
  const published = publishedIn(ruleLines(rules).map(({ text: rule }) => rule))
  const guarded = [...options.guard, ...doors.flatMap(({ opens }) => opens)]
  const isGuarded = (protocol: string, port: number): boolean =>
    guarded.some((each) => each.host === undefined && isAt(each, protocol, port))
  return doors.flatMap(({ name, line, opens }) =>
    opens.flatMap((service) =>
      published
        .filter(({ protocol, to }) => isHost(service, to.address) && isAt(service, protocol, to.port))
        .filter(({ protocol, port }) => !isGuarded(protocol, port))
        .map(({ protocol, port }): Finding => {
          const [container, own] = [formatService(service), `${protocol}/${port}`]
          const message = `door ${name} (line ${line}): ${container} does not hide ${own}, under which this machine publishes it: the guard sees connections ahead of Docker, while they are for ${own}`
          const fix = adding(file, text, container, own, pid) ?? REMEDIES.edit(file, line)
          return { severity: 'fault', subject: 'published', message, fix }
        }),
    ),
  )
}

function isAt({ protocol, first, last }: Service, name: string, port: number): boolean {
  return protocolName(protocol) === name && first <= port && port <= last
}

function isHost({ host }: Service, address: NonNullable<Service['host']>): boolean {
  return host !== undefined && sameAddress(host, address)
}

/** Returns the command that adds the published port after the container's port, if the edited config is usable. */
function adding(
  file: string,
  text: string,
  container: string,
  own: string,
  pid: number | undefined,
): Remedy | undefined {
  const edited = text.replace(container, `${container},${own}`)
  const found = readConfig(edited, file).config?.doors.some(({ opens }) =>
    opens.some((one) => formatService(one) === own),
  )
  return found === true ? REMEDIES.addPublished(file, container, own, pid) : undefined
}
