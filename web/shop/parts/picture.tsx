/** What is sold, drawn. A fork puts its photographs here. */
export function Picture({ title }: { title: string }) {
  return <figure class="picture" aria-hidden="true">{/keyboard|键盘/i.test(title) ? <Keyboard /> : <Parcel />}</figure>
}

function Keyboard() {
  return <svg viewBox="0 0 400 300"><rect class="body" x="40" y="90" width="320" height="130" rx="16" /></svg>
}

function Parcel() {
  return <svg viewBox="0 0 400 300"><rect class="body" x="120" y="90" width="160" height="130" rx="12" /></svg>
}
