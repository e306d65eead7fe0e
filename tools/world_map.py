"""Make `scenarios/map/countries.json`, the outlines for `sim.reporting.maps`, from the npm package world-atlas.

Needed again only for other outlines or other contested areas:

    npm pack world-atlas@2.0.2
    python tools/world_map.py world-atlas-2.0.2.tgz
"""

from __future__ import annotations

import itertools
import json
import math
import sys
import tarfile
from pathlib import Path
from typing import Any

Point = tuple[float, float]  # degrees east, degrees north
Ring = list[Point]  # closed: the first point is the last
Polygon = list[Ring]  # an outline and its holes
Line = tuple[int, float]  # axis and position: (0, 35.6) is the meridian 35.6° E, (1, 27.7) the parallel 27.7° N

OUT = Path(__file__).parent.parent / "scenarios" / "map" / "countries.json"
SMALL_KM2 = 95_000  # on a page, hatching is visible for South Korea and not for Hungary
KM_A_DEGREE = 111.2

# ISO 3166-1, numeric with alpha-3. Antarctica (010) is left out: it has no state and needs a fifth of the height.
CODES = """
004AFG 008ALB 012DZA 016ASM 020AND 024AGO 028ATG 031AZE 032ARG 036AUS 040AUT 044BHS 048BHR 050BGD 051ARM 052BRB 056BEL
060BMU 064BTN 068BOL 070BIH 072BWA 076BRA 084BLZ 086IOT 090SLB 092VGB 096BRN 100BGR 104MMR 108BDI 112BLR 116KHM 120CMR
124CAN 132CPV 136CYM 140CAF 144LKA 148TCD 152CHL 156CHN 158TWN 170COL 174COM 178COG 180COD 184COK 188CRI 191HRV 192CUB
196CYP 203CZE 204BEN 208DNK 212DMA 214DOM 218ECU 222SLV 226GNQ 231ETH 232ERI 233EST 234FRO 238FLK 239SGS 242FJI 246FIN
248ALA 250FRA 258PYF 260ATF 262DJI 266GAB 268GEO 270GMB 275PSE 276DEU 288GHA 296KIR 300GRC 304GRL 308GRD 316GUM 320GTM
324GIN 328GUY 332HTI 334HMD 336VAT 340HND 344HKG 348HUN 352ISL 356IND 360IDN 364IRN 368IRQ 372IRL 376ISR 380ITA 384CIV
388JAM 392JPN 398KAZ 400JOR 404KEN 408PRK 410KOR 414KWT 417KGZ 418LAO 422LBN 426LSO 428LVA 430LBR 434LBY 438LIE 440LTU
442LUX 446MAC 450MDG 454MWI 458MYS 462MDV 466MLI 470MLT 478MRT 480MUS 484MEX 492MCO 496MNG 498MDA 499MNE 500MSR 504MAR
508MOZ 512OMN 516NAM 520NRU 524NPL 528NLD 531CUW 533ABW 534SXM 540NCL 548VUT 554NZL 558NIC 562NER 566NGA 570NIU 574NFK
578NOR 580MNP 583FSM 584MHL 585PLW 586PAK 591PAN 598PNG 600PRY 604PER 608PHL 612PCN 616POL 620PRT 624GNB 626TLS 630PRI
634QAT 642ROU 643RUS 646RWA 652BLM 654SHN 659KNA 660AIA 662LCA 663MAF 666SPM 670VCT 674SMR 678STP 682SAU 686SEN 688SRB
690SYC 694SLE 702SGP 703SVK 704VNM 705SVN 706SOM 710ZAF 716ZWE 724ESP 728SSD 729SDN 732ESH 740SUR 748SWZ 752SWE 756CHE
760SYR 762TJK 764THA 768TGO 776TON 780TTO 784ARE 788TUN 792TUR 795TKM 796TCA 800UGA 804UKR 807MKD 818EGY 826GBR 831GGY
832JEY 833IMN 834TZA 840USA 850VIR 854BFA 858URY 860UZB 862VEN 876WLF 882WSM 887YEM 894ZMB
"""
ALPHA3 = {code[:3]: code[3:] for code in CODES.split()}
WITHOUT_CODE = {"Kosovo": "Kosovo", "N. Cyprus": "Northern Cyprus", "Somaliland": "Somaliland"}

CRIMEA_BOX = (32.3, 44.2, 36.8, 46.3)  # west, south, east, north; an outline of its own in Natural Earth
SAHARA_NORTH = (1, 27.67)  # Morocco south of this parallel
GOLAN_WEST = (0, 35.6)  # Israel east of this meridian

Atlas = dict[str, list[Polygon]]


def decode_topology(topology: dict[str, Any]) -> Atlas:
    """Decode the polygons of each country of a TopoJSON file, by alpha-3 id, or by name without one."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs: list[Ring] = []
    for steps in topology["arcs"]:
        x = y = 0
        arcs.append([(sx * (x := x + dx) + tx, sy * (y := y + dy) + ty) for dx, dy in steps])

    def join_arcs(indices: list[int]) -> Ring:
        """Join the arcs of a ring, each without its first point, which ends the arc before."""
        parts = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in indices]
        return parts[0][:1] + [point for part in parts for point in part[1:]]

    found: Atlas = {}
    for shape in topology["objects"]["countries"]["geometries"]:
        key = ALPHA3.get(shape.get("id"), shape["properties"]["name"])
        polygons = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
        found.setdefault(key, []).extend([join_arcs(part) for part in polygon] for polygon in polygons)
    return found


def clip_ring(ring: Ring, line: Line, sign: int) -> Ring:
    """Clip a ring to the part above a line (sign 1) or below it (−1), by Sutherland and Hodgman (1974)."""
    axis, at = line
    kept: Ring = []
    for a, b in itertools.pairwise(ring):
        if sign * (a[axis] - at) >= 0:
            kept.append(a)
        if (a[axis] - at) * (b[axis] - at) < 0:
            t = (at - a[axis]) / (b[axis] - a[axis])
            kept.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
    return [*kept, kept[0]] if kept else []


def split_polygons(polygons: list[Polygon], line: Line) -> tuple[list[Polygon], list[Polygon]]:
    """Split polygons at a line into those below and those above it."""
    below, above = ([[clip_ring(ring, line, sign) for ring in polygon] for polygon in polygons] for sign in (-1, 1))
    return [p for p in below if p[0]], [p for p in above if p[0]]


def unwrap_ring(ring: Ring) -> Ring:
    """Make the longitudes of a ring continuous past 180°."""
    found = ring[:1]
    for x, y in ring[1:]:
        found.append((x - 360 * round((x - found[-1][0]) / 360), y))
    return found


def cut_polygons(polygons: list[Polygon]) -> list[Polygon]:
    """Cut polygons at the antimeridian into parts within −180…180°."""
    found: list[Polygon] = []
    whole = [[unwrap_ring(ring) for ring in polygon] for polygon in polygons]
    for turn in (-360, 0, 360):
        moved = [[[(x + turn, y) for x, y in ring] for ring in polygon] for polygon in whole]
        east_of_start = split_polygons(moved, (0, -180.0))[1]
        found += split_polygons(east_of_start, (0, 180.0))[0]
    return found


def round_degrees(degrees: float) -> float:
    """Round degrees to a tenth; a whole number has no `.0`."""
    near = round(degrees, 1)
    return int(near) if near == int(near) else near


def round_polygons(polygons: list[Polygon]) -> list[Polygon]:
    """Round polygons to a tenth of a degree; drop repeated points and rings without area."""
    found: list[Polygon] = []
    for polygon in polygons:
        rings = []
        for ring in polygon:
            points = [(round_degrees(x), round_degrees(y)) for x, y in ring]
            kept = [p for n, p in enumerate(points) if n == 0 or p != points[n - 1]]
            if len(kept) > 3 and shoelace(kept)[0]:
                rings.append(kept)
            elif not rings:
                break
        if rings:
            found.append(rings)
    return found


def shoelace(ring: Ring) -> tuple[float, float, float]:
    """The signed area of a ring in square degrees, and its centroid."""
    (x0, y0), area, east, north = ring[0], 0.0, 0.0, 0.0
    moved = [(x - x0, y - y0) for x, y in ring]
    for (ax, ay), (bx, by) in itertools.pairwise(moved):
        cross = ax * by - bx * ay
        area, east, north = area + cross / 2, east + cross * (ax + bx), north + cross * (ay + by)
    if abs(area) < 1e-9:
        return 0.0, x0, y0
    return area, x0 + east / (6 * area), y0 + north / (6 * area)


def find_centre(polygons: list[Polygon]) -> Point | None:
    """The centre of the largest part of a small country; None for a larger country."""
    parts = [shoelace(polygon[0]) for polygon in polygons]
    km2 = sum(abs(area) * math.cos(math.radians(north)) * KM_A_DEGREE**2 for area, _, north in parts)
    _, east, north = max(parts, key=lambda part: abs(part[0]))
    return (round_degrees(east), round_degrees(north)) if km2 < SMALL_KM2 else None


def separate_contested(atlas: Atlas) -> Atlas:
    """Move contested areas from the countries of Natural Earth to a separate layer."""
    west, south, east, north = CRIMEA_BOX
    crimea = [p for p in atlas["RUS"] if all(west < x < east and south < y < north for x, y in p[0])]
    atlas["RUS"] = [p for p in atlas["RUS"] if p not in crimea]
    sahara, atlas["MAR"] = split_polygons(atlas["MAR"], SAHARA_NORTH)
    atlas["ISR"], golan = split_polygons(atlas["ISR"], GOLAN_WEST)
    found = {"Crimea": crimea, "Western Sahara": sahara + atlas.pop("ESH"), "Golan Heights": golan}
    return found | {name: atlas.pop(key) for key, name in WITHOUT_CODE.items()}


def main(archive: str) -> None:
    """Read the package and write the file, one country per line."""
    with tarfile.open(archive) as package:
        version, coarse, fine = (
            json.load(package.extractfile(f"package/{name}.json") or sys.exit(f"{name}.json is not in the package"))
            for name in ("package", "countries-110m", "countries-50m")
        )
    atlas, detailed = decode_topology(coarse), decode_topology(fine)
    atlas |= {key: shape for key, shape in detailed.items() if key not in atlas and key in ALPHA3.values()}
    atlas.pop("Antarctica")
    layer = separate_contested(atlas)
    whole = {key: cut_polygons(shape) for key, shape in sorted(atlas.items())}
    countries = {
        key: {"polygons": round_polygons(shape)} | ({"dot": at} if (at := find_centre(shape)) else {})
        for key, shape in whole.items()
    }
    head = {
        "source": f"Natural Earth, by way of the npm package world-atlas {version['version']}; tools/world_map.py",
        "licence": "public domain",
        "scale": "1:110 million, countries missing there from 1:50 million; degrees east and north, to 0.1",
        "boundaries": "as Natural Earth draws who holds the land, but for what stands under contested",
    }
    lines = [f"{json.dumps(key)}: {json.dumps(text)}" for key, text in head.items()]
    for name, table in (
        ("countries", countries),
        ("contested", {key: {"polygons": round_polygons(cut_polygons(p))} for key, p in layer.items()}),
    ):
        rows = (f"{json.dumps(key)}: {json.dumps(row, separators=(',', ':'))}" for key, row in table.items())
        lines.append(f'"{name}": {{\n' + ",\n".join(rows) + "\n}")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(text, encoding="utf-8", newline="\n")
    print(f"{OUT}: {len(countries)} countries, {len(layer)} contested, {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__))
