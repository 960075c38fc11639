import type { Door } from '../config/config.ts'
import { programName, splitCommand } from '../lint/shell.ts'

/** Programs that act outside the namespace, with the reason. */
const OUTSIDE: ReadonlyMap<string, string> = new Map([
  ['firewall-cmd', 'asks firewalld, which manages this machine, not a copy'],
  ['systemctl', 'asks systemd, which starts and stops services of this machine and not of a copy'],
  ['service', 'starts and stops services of this machine, not of a copy'],
  ['initctl', 'starts and stops services of this machine, not of a copy'],
  ['rc-service', 'starts and stops services of this machine, not of a copy'],
  ['docker', 'asks the Docker daemon, which manages this machine, not a copy'],
  ['podman', 'works on containers of this machine, not of a copy'],
  ['virsh', 'asks libvirt, which manages this machine, not a copy'],
  ['ssh', 'goes to another host, which is not part of the copy'],
  ['scp', 'goes to another host, which is not part of the copy'],
  ['curl', 'goes to another host, which is not part of the copy'],
  ['wget', 'goes to another host, which is not part of the copy'],
  ['wakeonlan', 'wakes another host, which is not part of the copy'],
  ['etherwake', 'wakes another host, which is not part of the copy'],
  ['reboot', 'acts on the machine itself'],
  ['shutdown', 'acts on the machine itself'],
  ['poweroff', 'acts on the machine itself'],
  ['sysctl', 'changes the kernel, which a copy shares'],
])

/** A program of a command that acts outside the namespace. */
export interface Outside {
  readonly program: string
  readonly why: string
  /** UTF-16 units from the beginning of the command. */
  readonly offset: number
}

/** Returns the first program of a command that acts outside the namespace. */
export function outsideIn(command: string): Outside | undefined {
  for (const words of splitCommand(command).commands) {
    const program = programName(words)
    const why = OUTSIDE.get(program)
    if (why !== undefined) return { program, why, offset: words[0]!.offset }
  }
  return undefined
}

/** Returns the commands of a door, each once. */
export function commandsIn({ commands4, commands6 }: Door): readonly string[] {
  const all = [commands4.start, commands4.stop, commands6.start, commands6.stop]
  return [...new Set(all.filter((text) => text !== undefined))]
}
