// How wide the place of a picture is, for pictures that are drawn to measure.
import { useLayoutEffect, useState } from "react";

interface Place {
  /** The reference of the element that holds the picture. */
  ref: (element: HTMLDivElement | null) => void;
  element: HTMLDivElement | null;
  /** In whole pixels; 0 until it is known. */
  width: number;
}

export function useWidth(): Place {
  const [element, ref] = useState<HTMLDivElement | null>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return { ref, element, width };
}
