/// The pinned sites after `id` is pinned (at the end) or let go.
export function togglePin(pinned: string[], id: string): string[] {
  return pinned.includes(id) ? pinned.filter(other => other !== id) : [...pinned, id]
}

/// The pinned sites after `id` moved by `step` places, as far as there are places.
export function movePin(pinned: string[], id: string, step: -1 | 1): string[] {
  const from = pinned.indexOf(id)
  const to = from + step
  if (from < 0 || to < 0 || to >= pinned.length) return pinned
  return pinned.toSpliced(from, 1).toSpliced(to, 0, id)
}

/// Sites as the server lists them: pinned ones in their order, then the others by domain.
export function inListOrder<Site extends { id: string, domain: string, pinned: boolean }>(sites: Site[], pinned: string[]): Site[] {
  const place = (site: Site) => pinned.includes(site.id) ? pinned.indexOf(site.id) : pinned.length
  const byDomain = (a: Site, b: Site) => a.domain < b.domain ? -1 : 1
  return sites.map(site => ({ ...site, pinned: pinned.includes(site.id) })).sort((a, b) => place(a) - place(b) || byDomain(a, b))
}
