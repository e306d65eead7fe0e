/* The compiled run of sim/ensemble.py as a C programmer would write it: the measure of what numba costs.
 *
 * Ties are (n, n) by row, zero diagonals; alignment 0 is non-aligned. Random order, no shocks. A run works on
 * its own copies of the ties. Layers: propensity, bond, institution, hostility, trade, open product.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { P_PROPENSITY, P_BOND, P_INSTITUTION, P_HOSTILITY, P_BALANCE, P_TRADE, P_SHELTER, P_PRESSURE, P_FLOOR,
       P_AUTONOMY, P_INERTIA, P_TEMPERATURE, P_EROSION, P_COST, P_RETURN, P_GAIN, P_LOSS, P_STRAIN, P_OUTREACH,
       P_RIVALRY_GAIN, P_RIVALRY_LOSS, P_RESPONSE, P_RELIEF };
enum { PROPENSITY, BOND, INSTITUTION, HOSTILITY, TRADE, OPEN, LAYERS };
enum { TERMS = 11, MAX_ALIGNMENTS = 16 };

struct world {
    int64_t n, alignments, theatres, steps, outcomes;
    const double *capability, *product, *standing, *autonomy, *propensity, *dependence, *crisis;
    const int64_t *theatre, *by_id, *leader, *initial;
    const uint8_t *fixed, *allowed;
    const uint64_t *codes;
    const double *bond, *institution, *rivalry, *sanction, *priority, *enforcement, *budget, *accommodation, *p;
    const int64_t *regime;
};

struct record { int64_t *alignment; double *chances, *stability, *bite, *outcomes; };

struct run {
    const struct world *w;
    double *bond, *rivalry, *sanction, *hostile, *pairs, *brings, *closed, *sums, *lanes, *uniforms, *bite;
    int64_t *regime, *alignment, *before, *order, *slots;
    uint64_t *keys;
    double *attention, cohesion[MAX_ALIGNMENTS], enforcement[MAX_ALIGNMENTS];
    double mass[MAX_ALIGNMENTS], terms[MAX_ALIGNMENTS * TERMS], utilities[MAX_ALIGNMENTS];
    double total;
};

static inline double exact(double x) { return nearbyint(x * 0x1p30) * 0x1p-30; }
static inline double least(double a, double b) { return a < b ? a : b; }
static inline double most(double a, double b) { return a > b ? a : b; }
static inline double clip(double x) { return least(1.0, most(0.0, x)); }

static void philox(uint64_t k0, uint64_t k1, uint64_t step, uint64_t code, uint64_t *key, uint64_t *word) {
    uint64_t x0 = step, x1 = code, x2 = 0, x3 = 0;
    for (int round = 0; round < 10; round++) {
        unsigned __int128 a = (unsigned __int128)0xD2E7470EE14C6C93u * x0;
        unsigned __int128 b = (unsigned __int128)0xCA5A826395121157u * x2;
        uint64_t y0 = (uint64_t)(b >> 64) ^ x1 ^ k0, y2 = (uint64_t)(a >> 64) ^ x3 ^ k1;
        x1 = (uint64_t)b, x3 = (uint64_t)a, x0 = y0, x2 = y2;
        k0 += 0x9E3779B97F4A7C15u, k1 += 0xBB67AE8584CAA73Bu;
    }
    *key = x0, *word = x1;
}

static void draw(struct run *r, uint64_t seed, uint64_t replicate, uint64_t step) {
    for (int64_t i = 0; i < r->w->n; i++) {
        uint64_t word;
        philox(seed, replicate, step, r->w->codes[i], &r->keys[i], &word);
        r->uniforms[i] = (double)(word >> 11) * 0x1p-53;
    }
}

static inline int64_t slot(uint64_t key, int64_t n) { return (int64_t)(((key >> 32) * (uint64_t)n) >> 32); }

static void sort(struct run *r) {
    int64_t n = r->w->n, *order = r->order, *slots = r->slots;
    memset(slots, 0, (size_t)(n + 1) * sizeof *slots);
    for (int64_t i = 0; i < n; i++) slots[slot(r->keys[i], n) + 1]++;
    for (int64_t s = 0; s < n; s++) slots[s + 1] += slots[s];
    for (int64_t m = 0; m < n; m++) {
        int64_t i = r->w->by_id[m];
        order[slots[slot(r->keys[i], n)]++] = i;
    }
    for (int64_t m = 1; m < n; m++) {
        int64_t state = order[m], place = m;
        for (; place > 0 && r->keys[order[place - 1]] > r->keys[state]; place--) order[place] = order[place - 1];
        order[place] = state;
    }
}

static void hostilities(struct run *r) {
    int64_t n = r->w->n;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < i; j++)
            r->hostile[i * n + j] = r->hostile[j * n + i] =
                most(r->rivalry[i * n + j], most(r->sanction[i * n + j], r->sanction[j * n + i]));
        r->hostile[i * n + i] = 0.0;
    }
}

static void weigh_settled(struct run *r) {
    const struct world *w = r->w;
    int64_t n = w->n, nn = n * n;
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < n; i++) {
            r->brings[PROPENSITY * nn + j * n + i] = exact(w->capability[j] * w->propensity[j * n + i]);
            r->brings[INSTITUTION * nn + j * n + i] = exact(w->capability[j] * w->institution[j * n + i]);
            r->brings[TRADE * nn + j * n + i] = exact(w->dependence[i * n + j]);
        }
}

static void weigh_bonds(struct run *r) {
    int64_t n = r->w->n;
    double *restrict brings = r->brings + BOND * n * n;
    const double *restrict bond = r->bond;
    for (int64_t j = 0; j < n; j++) {
        double c = r->w->capability[j];
        for (int64_t i = 0; i < n; i++) brings[j * n + i] = exact(c * bond[j * n + i]);
    }
}

static void weigh_hostility(struct run *r) {
    const struct world *w = r->w;
    int64_t n = w->n, k1 = w->alignments;
    memset(r->closed, 0, (size_t)(n * k1) * sizeof(double));
    for (int64_t j = 0; j < n; j++) {
        double c = w->capability[j], g = w->product[j];
        double *restrict hostility = r->brings + HOSTILITY * n * n + j * n, *restrict open = r->brings + OPEN * n * n + j * n;
        const double *restrict S = r->sanction + j * n, *restrict H = r->hostile + j * n;
        for (int64_t i = 0; i < n; i++) {
            hostility[i] = exact(c * H[i]);
            open[i] = g - exact(g * S[i]);
        }
        open[j] = 0.0;
        for (int64_t i = 0; i < n; i++)
            if (S[i] > 0.0) r->closed[i * k1 + r->regime[j * n + i]] += exact(g * S[i]);
    }
}

static void tally(struct run *r, int layer) {
    int64_t n = r->w->n;
    for (int64_t k = 0; k < r->w->alignments; k++) memset(r->sums + (k * LAYERS + layer) * n, 0, (size_t)n * sizeof(double));
    for (int64_t j = 0; j < n; j++) {
        double *restrict sums = r->sums + (r->alignment[j] * LAYERS + layer) * n;
        const double *restrict brings = r->brings + (layer * n + j) * n;
        for (int64_t i = 0; i < n; i++) sums[i] += brings[i];
    }
}

static void move(struct run *r, int64_t j, int64_t old, int64_t new) {
    int64_t n = r->w->n;
    for (int64_t layer = 0; layer < LAYERS; layer++) {
        double *restrict from = r->sums + (old * LAYERS + layer) * n, *restrict to = r->sums + (new * LAYERS + layer) * n;
        const double *restrict brings = r->brings + (layer * n + j) * n;
        for (int64_t i = 0; i < n; i++) {
            from[i] -= brings[i];
            to[i] += brings[i];
        }
    }
    r->mass[old] -= r->w->capability[j];
    r->mass[new] += r->w->capability[j];
}

static void masses(struct run *r, const double *shares, double *mass) {
    for (int64_t k = 0; k < r->w->alignments; k++) mass[k] = 0.0;
    for (int64_t i = 0; i < r->w->n; i++) mass[r->alignment[i]] += shares[i];
}

static void assess(struct run *r, int64_t step) {
    const struct world *w = r->w;
    int64_t blocs = w->alignments - 1, theatres = w->theatres;
    double product[MAX_ALIGNMENTS];
    masses(r, w->product, product);
    for (int64_t k = 0; k < blocs; k++) {
        double demand = 0.0, elsewhere = 0.0, *theta = r->attention + k * theatres;
        for (int64_t t = 0; t < theatres; t++) {
            theta[t] = w->priority[k * theatres + t] + w->crisis[step * theatres + t];
            demand += theta[t];
        }
        r->cohesion[k] = demand > 0.0 ? least(1.0, w->budget[k] / demand) : 1.0;
        for (int64_t t = 0; t < theatres; t++) theta[t] *= r->cohesion[k];
        for (int64_t other = 0; other < blocs; other++)
            if (other != k) elsewhere += product[other + 1];
        r->enforcement[k] = w->enforcement[k] * most(0.0, 1.0 - w->p[P_EROSION] * elsewhere)
                            * most(0.0, 1.0 - w->p[P_COST] * w->accommodation[k]);
    }
    for (int64_t i = 0; i < w->n; i++) {
        const double *closed = r->closed + i * w->alignments;
        double bite = closed[0];
        for (int64_t k = 0; k < blocs; k++) bite += r->enforcement[k] * r->cohesion[k] * closed[k + 1];
        r->bite[i] = least(1.0, exact(bite));
    }
}

static inline double utility(struct run *r, int64_t i, int64_t k, int64_t held) {
    const struct world *w = r->w;
    const double *p = w->p;
    int64_t n = w->n;
    double *terms = r->terms + k * TERMS;
#define SUM(bloc, layer) r->sums[((bloc) * LAYERS + (layer)) * n + i]
    for (int term = 0; term < TERMS; term++) terms[term] = 0.0;
    if (k == 0) {
        terms[9] = w->autonomy[i] * p[P_AUTONOMY];
    } else {
        double bite = r->bite[i], floor_ = p[P_FLOOR], threat = 0.0, pressure = 0.0;
        int64_t leader = w->leader[k - 1], theatre = w->theatre[i];
        double rivalry = leader >= 0 ? r->rivalry[i * n + leader] : 0.0;
        double sanction = leader >= 0 ? r->sanction[leader * n + i] : 0.0;
        for (int64_t other = 1; other < w->alignments; other++)
            if (other != k) {
                threat += SUM(other, HOSTILITY);
                double stake = floor_ + (1.0 - floor_) * SUM(other, TRADE) * (1.0 - bite);
                pressure += r->enforcement[other - 1] * r->attention[(other - 1) * w->theatres + theatre]
                            * r->mass[other] * stake;
            }
        terms[0] = p[P_PROPENSITY] * SUM(k, PROPENSITY);
        terms[1] = p[P_BOND] * SUM(k, BOND);
        terms[2] = p[P_INSTITUTION] * SUM(k, INSTITUTION);
        terms[3] = -p[P_HOSTILITY] * SUM(k, HOSTILITY);
        terms[4] = p[P_BALANCE] * r->mass[k] * threat;
        terms[5] = p[P_TRADE] * SUM(k, TRADE);
        terms[6] = p[P_SHELTER] * bite * (1.0 - sanction) * SUM(k, OPEN);
        terms[7] = w->accommodation[k - 1] * (1.0 - most(rivalry, sanction));
        terms[8] = -p[P_PRESSURE] * pressure;
    }
    if (k == held) terms[10] = p[P_INERTIA];
    double total = 0.0;
    for (int term = 0; term < TERMS; term++) total += terms[term];
    return total;
}

static int64_t decide(struct run *r, int64_t i, int64_t held, double *chances) {
    const struct world *w = r->w;
    int64_t best = -1, last = 0;
    double total = 0.0, cumulative = 0.0;
    r->mass[held] -= w->capability[i];
    for (int64_t k = 0; k < w->alignments; k++) r->utilities[k] = utility(r, i, k, held);
    r->mass[held] += w->capability[i];
    for (int64_t k = 0; k < w->alignments; k++)
        if (w->allowed[k] && (best < 0 || r->utilities[k] > r->utilities[best])) best = k;
    if (w->fixed[i]) {
        for (int64_t k = 0; k < w->alignments; k++) chances[k] = k == held;
        return held;
    }
    for (int64_t k = 0; k < w->alignments; k++) {
        chances[k] = w->allowed[k] ? 1.0 : 0.0;
        if (w->allowed[k] && k != best) chances[k] = exp((r->utilities[k] - r->utilities[best]) / w->p[P_TEMPERATURE]);
        total += chances[k];
    }
    for (int64_t k = 0; k < w->alignments; k++) chances[k] /= total;
    for (int64_t k = 0; k < w->alignments; k++)
        if (chances[k] > 0.0) {
            cumulative += chances[k];
            last = k;
            if (cumulative > r->uniforms[i]) return k;
        }
    return last;
}

static void mean_bite(struct run *r, double *mean) {
    double members[MAX_ALIGNMENTS] = {0};
    for (int64_t k = 0; k < r->w->alignments; k++) mean[k] = 0.0;
    for (int64_t i = 0; i < r->w->n; i++) members[r->alignment[i]] += 1.0, mean[r->alignment[i]] += r->bite[i];
    for (int64_t k = 0; k < r->w->alignments; k++) mean[k] = members[k] > 0.0 ? mean[k] / members[k] : 0.0;
}

static void respond_bonds(struct run *r) {
    const struct world *w = r->w;
    const double *p = w->p;
    int64_t n = w->n;
    double strain[MAX_ALIGNMENTS], back = least(1.0, p[P_RETURN]), loss = least(1.0, p[P_LOSS]), outreach = p[P_OUTREACH];
    const int64_t *restrict alignment = r->alignment;
    const double *restrict bite = r->bite, *restrict standing = w->standing;
    mean_bite(r, strain);
    for (int64_t i = 0; i < n; i++) {
        int64_t a = alignment[i];
        double gain = least(1.0, p[P_GAIN] * (1.0 + p[P_STRAIN] * strain[a])), bite_i = bite[i], standing_i = standing[i];
        double *restrict B = r->bond + i * n;
        const double *restrict origin = w->bond + i * n, *restrict H = r->hostile + i * n;
        for (int64_t j = 0; j < i; j++) {
            int64_t b = alignment[j];
            double now = B[j], drift = back * (origin[j] - now);
            int open = (a != b) & (H[j] < 0.5);
            double by_i = least(1.0, outreach * bite_i * standing[j]), by_j = least(1.0, outreach * bite[j] * standing_i);
            double grown = gain * (1.0 - now), lost = loss * now;
            drift += (a == b) & (a != 0) & (origin[j] > 0.0) ? grown : 0.0;
            drift -= (a != b) & (a != 0) & (b != 0) ? lost : 0.0;
            by_i = open & (a != 0) ? by_i : 0.0;
            by_j = open & (b != 0) ? by_j : 0.0;
            B[j] = clip(now + (drift + (by_i + by_j) * (1.0 - now)));
        }
        for (int64_t j = 0; j < i; j++) r->bond[j * n + i] = B[j];
    }
}

static void respond_hostility(struct run *r) {
    const struct world *w = r->w;
    const double *p = w->p;
    int64_t n = w->n;
    double gain = least(1.0, p[P_RIVALRY_GAIN]), loss = least(1.0, p[P_RIVALRY_LOSS]), relief = least(1.0, p[P_RELIEF]);
    const int64_t *restrict alignment = r->alignment;
    for (int64_t i = 0; i < n; i++) {
        int64_t a = alignment[i];
        double *restrict R = r->rivalry + i * n;
        if (a != 0)
            for (int64_t j = 0; j < n; j++) {
                int64_t b = alignment[j];
                double now = R[j], sharper = (b != 0) & (now > 0.0) ? gain * (1.0 - now) : 0.0;
                R[j] = clip(a == b ? now - loss * now : now + sharper);
            }
    }
    for (int64_t j = 0; j < n; j++) {
        int64_t bloc = alignment[j], *restrict regime = r->regime + j * n;
        double *restrict S = r->sanction + j * n;
        for (int64_t i = 0; i < n; i++)
            if (bloc != 0 && alignment[i] != 0 && alignment[i] != bloc) {
                double pressing = r->enforcement[bloc - 1] * r->attention[(bloc - 1) * w->theatres + w->theatre[i]];
                double response = least(1.0, p[P_RESPONSE] * pressing);
                if (w->enforcement[bloc - 1] > 0.0 && response > 0.0) {
                    S[i] = clip(S[i] + response * (1.0 - S[i]));
                    regime[i] = bloc;
                }
            } else {
                S[i] = clip(S[i] - relief * S[i]);
            }
    }
}

static double total_of(const double *lanes, int64_t n) {
    double total = 0.0;
    for (int64_t j = 0; j < n; j++) total += lanes[j];
    return total;
}

static void weigh_pairs(struct run *r) {
    const struct world *w = r->w;
    int64_t n = w->n;
    double w_p = w->p[P_PROPENSITY], w_b = w->p[P_BOND], w_g = w->p[P_INSTITUTION], w_h = w->p[P_HOSTILITY];
    const double *restrict c = w->capability;
    double *restrict lanes = r->lanes;
    memset(lanes, 0, (size_t)n * sizeof(double));
    for (int64_t i = 0; i < n; i++) {
        const double *restrict P = w->propensity + i * n, *restrict B = r->bond + i * n;
        const double *restrict G = w->institution + i * n, *restrict H = r->hostile + i * n;
        double *restrict row = r->pairs + i * n;
        for (int64_t j = 0; j < i; j++) {
            row[j] = c[i] * c[j] * (w_p * P[j] + w_b * B[j] + w_g * G[j] - w_h * H[j]);
            lanes[j] += fabs(row[j]);
        }
    }
    r->total = total_of(lanes, n);
}

static double frustration(struct run *r) {
    int64_t n = r->w->n;
    const int64_t *restrict alignment = r->alignment;
    double *restrict lanes = r->lanes;
    memset(lanes, 0, (size_t)n * sizeof(double));
    for (int64_t i = 0; i < n; i++) {
        int64_t a = alignment[i];
        const double *restrict row = r->pairs + i * n;
        for (int64_t j = 0; j < i; j++)
            lanes[j] += (a != 0) & (alignment[j] != 0) & ((a == alignment[j]) == (row[j] < 0.0)) ? fabs(row[j]) : 0.0;
    }
    return r->total > 0.0 ? total_of(lanes, n) / r->total : 0.0;
}

static void observe(struct run *r, int64_t step, struct record *out) {
    const struct world *w = r->w;
    int64_t n = w->n, k1 = w->alignments, blocs = k1 - 1;
    double *row = out->outcomes + step * w->outcomes, switches = 0.0, polarization = 0.0;
    double *members = row, *capability = row + k1, *product = row + 2 * k1, *bite = row + 3 * k1, *rest = row + 4 * k1;
    for (int64_t k = 0; k < k1; k++) members[k] = 0.0;
    for (int64_t i = 0; i < n; i++) members[r->alignment[i]] += 1.0, switches += r->before[i] != r->alignment[i];
    masses(r, w->capability, capability);
    masses(r, w->product, product);
    mean_bite(r, bite);
    for (int64_t k = 0; k < k1; k++)
        if (members[k] == 0.0) bite[k] = NAN;
    for (int64_t k = 0; k < blocs; k++) {
        double largest = 0.0;
        for (int64_t other = 1; other < k1; other++)
            if (other != k + 1) largest = most(largest, capability[other]);
        rest[k] = r->enforcement[k];
        rest[blocs + k] = r->cohesion[k];
        rest[2 * blocs + k] = largest > 0.0 ? capability[k + 1] / largest : NAN;
        for (int64_t t = 0; t < w->theatres; t++)
            rest[3 * blocs + k * w->theatres + t] = r->attention[k * w->theatres + t];
    }
    for (int64_t a = 0; a < k1; a++)
        for (int64_t b = 0; b < k1; b++)
            if (a != b) polarization += capability[a] * capability[a] * capability[b] * (a == 0 || b == 0 ? 0.5 : 1.0);
    row[w->outcomes - 3] = polarization;
    row[w->outcomes - 2] = frustration(r);
    row[w->outcomes - 1] = switches;
    for (int64_t i = 0; i < n; i++) {
        int64_t held = r->alignment[i];
        double pressure = 0.0, offered = 0.5 * r->sums[OPEN * n + i];
        if (held != 0) {
            offered += r->sums[(held * LAYERS + OPEN) * n + i];
            for (int64_t k = 1; k < k1; k++)
                if (k != held)
                    pressure += r->enforcement[k - 1] * r->attention[(k - 1) * w->theatres + w->theatre[i]] * r->mass[k]
                                * w->p[P_FLOOR];
        }
        out->alignment[step * n + i] = held;
        out->bite[step * n + i] = r->bite[i];
        out->stability[step * n + i] = 1.0 - least(1.0, most(0.0, r->bite[i] + pressure - offered));
    }
}

static void *room(int64_t count, size_t each, const void *from) {
    void *made = calloc((size_t)count, each);
    if (!made) abort();
    return from ? memcpy(made, from, (size_t)count * each) : made;
}

void run_loop(const struct world *w, uint64_t seed, uint64_t replicate, struct record *out) {
    int64_t n = w->n, nn = n * n, k1 = w->alignments;
    size_t d = sizeof(double);
    struct run r = {
        .w = w, .bond = room(nn, d, w->bond), .rivalry = room(nn, d, w->rivalry), .sanction = room(nn, d, w->sanction),
        .regime = room(nn, sizeof(int64_t), w->regime), .hostile = room(nn, d, 0), .pairs = room(nn, d, 0),
        .brings = room(LAYERS * nn, d, 0), .closed = room(n * k1, d, 0), .sums = room(k1 * LAYERS * n, d, 0),
        .lanes = room(n, d, 0), .uniforms = room(n, d, 0), .bite = room(n, d, 0), .attention = room(k1 * w->theatres, d, 0),
        .alignment = room(n, sizeof(int64_t), w->initial), .before = room(n, sizeof(int64_t), 0),
        .order = room(n, sizeof(int64_t), 0), .slots = room(n + 1, sizeof(int64_t), 0), .keys = room(n, sizeof(uint64_t), 0),
    };
    const double *p = w->p;
    int bonds = p[P_RETURN] + p[P_GAIN] + p[P_LOSS] + p[P_OUTREACH] > 0.0;
    int hostility = p[P_RIVALRY_GAIN] + p[P_RIVALRY_LOSS] + p[P_RESPONSE] + p[P_RELIEF] > 0.0;
    draw(&r, seed, replicate, 0);
    for (int64_t i = 0; i < n; i++)
        if (w->initial[i] < 0) {
            int64_t choices = 0, left;
            for (int64_t k = 0; k < k1; k++) choices += w->allowed[k];
            left = (int64_t)(r.uniforms[i] * (double)choices);
            for (int64_t k = 0; k < k1; k++)
                if (w->allowed[k] && left-- == 0) r.alignment[i] = k;
        }
    masses(&r, w->capability, r.mass);
    hostilities(&r);
    weigh_settled(&r);
    for (int64_t step = 0; step <= w->steps; step++) {
        if (step == 0 || bonds) weigh_bonds(&r), tally(&r, BOND);
        if (step == 0 || hostility) weigh_hostility(&r), tally(&r, HOSTILITY), tally(&r, OPEN);
        if (step == 0) tally(&r, PROPENSITY), tally(&r, INSTITUTION), tally(&r, TRADE);
        assess(&r, step);
        memcpy(r.before, r.alignment, (size_t)n * sizeof(int64_t));
        if (step > 0) {
            draw(&r, seed, replicate, (uint64_t)step);
            sort(&r);
            for (int64_t place = 0; place < n; place++) {
                int64_t i = r.order[place], held = r.before[i];
                int64_t chosen = decide(&r, i, held, out->chances + (step * n + i) * k1);
                r.alignment[i] = chosen;
                if (chosen != held) move(&r, i, held, chosen);
            }
            if (bonds) respond_bonds(&r);
            if (hostility) respond_hostility(&r), hostilities(&r);
        }
        if (step == 0 || bonds || hostility) weigh_pairs(&r);
        observe(&r, step, out);
    }
    void *rooms[] = {r.bond, r.rivalry, r.sanction, r.regime, r.hostile, r.pairs, r.brings, r.closed, r.sums, r.lanes,
                     r.uniforms, r.bite, r.attention, r.alignment, r.before, r.order, r.slots, r.keys};
    for (size_t m = 0; m < sizeof rooms / sizeof *rooms; m++) free(rooms[m]);
}
