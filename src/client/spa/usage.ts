/** What `knock --spa --help` prints. */
export const SPA_USAGE = `usage: knock --spa [OPTION]... HOST
       knock --spa fwknop [OPTION]... HOST
       knock --spa knockknock [OPTION]... HOST PORT

Asks HOST for a door by one encrypted packet, says whom it asked for, and is not
answered. Without another word the packet is Postern's own, and
~/.config/postern/config says what belongs to HOST.

all packets:
  -4, --ipv4            IPv4 only
  -6, --ipv6            IPv6 only
      --source SOURCE   send from this address, or this interface's address
      --verify tcp/PORT then connect to PORT: exit code 1 if it is not open
      --retry N         with --verify: send up to N more until it is open
  -v, --verbose         say which files were read, and what the clock is
  -V, --version         print the version
  -h, --help            print this

Postern's and fwknop's:
  -a, --claim ADDRESS   open for this address; \`source\`: for whoever the packet
                        seems to come from. Without it: the address this machine
                        sends from, or \`source\` where that is a private one
  -A, --access PORTS    the ports to open: tcp/22,udp/53
  -f, --for TIME        for how long: 30s, 10m
  -p, --port PORT       UDP port to send to, 62201 without it

Postern's:
      --config FILE     in place of ~/.config/postern/config
      --door NAME       the door to open
      --key FILE        our secret key
      --server-key KEY  the server's public key

fwknop's:
  -n, --stanza NAME     stanza of ~/.fwknoprc, without it the one called HOST
      --rc-file FILE    in place of ~/.fwknoprc; --no-rc-file: none
      --key-file FILE   keys as \`fwknop --key-gen\` prints them
  -C, --command TEXT    a command in place of ports
  -N, --nat HOST:PORT   have the port sent on to a host behind the server
      --nat-local       have it sent on to the server's own port
      --nat-port PORT   the port outside, with one of those two
  -U, --user NAME       the user name in the packet

knockknock's, which needs root:
      --profile FOLDER  in place of ~/.knockknock/HOST

examples:
  knock --spa gate.example.org && ssh gate.example.org
  knock --spa fwknop -n gate
  knock --spa fwknop -A tcp/22 --key-file gate.keys gate.example.org

exit codes: 0 sent, 1 not resolvable, not sent or not open, 2 usage
`
