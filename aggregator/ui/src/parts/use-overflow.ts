// Whether a part of the page is wider inside than outside, and so has to be scrolled.
import { useLayoutEffect, useRef, useState, type RefObject } from "react";

/** Who uses no mouse has to be able to stop at what scrolls. */
export function useOverflow(): [RefObject<HTMLDivElement | null>, boolean] {
  const box = useRef<HTMLDivElement>(null);
  const [isOver, setOver] = useState(false);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => setOver(element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);
    const observer = new ResizeObserver(look);
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    return () => observer.disconnect();
  }, []);
  return [box, isOver];
}
