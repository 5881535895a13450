const PICTURES = {
  keyboard: new URL('../pictures/keyboard.svg', import.meta.url).href,
  parcel: new URL('../pictures/parcel.svg', import.meta.url).href,
}

/** What is sold. A fork puts its photographs here. */
export function Picture({ title }: { title: string }) {
  return (
    <figure class="picture">
      <img src={/keyboard|键盘/i.test(title) ? PICTURES.keyboard : PICTURES.parcel} alt="" />
    </figure>
  )
}
