package driver;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Every value of every figure, by letter, in the order measured. */
final class Results {
  private final Map<String, EnumMap<Figure, List<Double>>> values = new TreeMap<>();

  void add(String letter, Figure figure, double value) {
    values
        .computeIfAbsent(letter, _ -> new EnumMap<>(Figure.class))
        .computeIfAbsent(figure, _ -> new ArrayList<>())
        .add(value);
  }

  /** Adds all values of a round. */
  void add(Results round) {
    round.values.forEach((letter, figures) ->
        figures.forEach((figure, all) -> all.forEach(value -> add(letter, figure, value))));
  }

  /** The highest value of some figures, of any letter; 0 when there is none. */
  double most(Figure... figures) {
    return values.values().stream()
        .flatMap(of -> Stream.of(figures).flatMap(figure -> of.getOrDefault(figure, List.of()).stream()))
        .max(Double::compare)
        .orElse(0.0);
  }

  List<Double> all(String letter, Figure figure) {
    var figures = values.get(letter);
    return figures == null ? List.of() : figures.getOrDefault(figure, List.of());
  }

  Optional<Double> median(String letter, Figure figure) {
    List<Double> all = all(letter, figure);
    return all.isEmpty() ? Optional.empty() : Optional.of(middle(all));
  }

  /**
   * The median of the quotients of each round, so that what slows a whole round slows neither side
   * alone.
   */
  Optional<Double> ratio(String letter, String to, Figure figure) {
    List<Double> above = all(letter, figure);
    List<Double> below = all(to, figure);
    var quotients = new ArrayList<Double>();
    for (int round = 0; round < Math.min(above.size(), below.size()); round++) {
      if (below.get(round) > 0) {
        quotients.add(above.get(round) / below.get(round));
      }
    }
    return quotients.isEmpty() ? Optional.empty() : Optional.of(middle(quotients));
  }

  Map<String, Object> json() {
    var json = new LinkedHashMap<String, Object>();
    values.forEach((letter, figures) -> {
      var of = new LinkedHashMap<String, Object>();
      figures.forEach((figure, all) -> {
        var row = new LinkedHashMap<String, Object>();
        row.put("median", middle(all));
        row.put("rounds", all);
        of.put(figure.name().toLowerCase(Locale.ROOT), row);
      });
      json.put(letter, of);
    });
    return json;
  }

  /** The value that p per cent of them do not exceed (nearest rank). */
  static double percentile(List<Double> values, double p) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get(Math.max(0, (int) Math.ceil(p / 100 * sorted.size()) - 1));
  }

  private static double middle(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int half = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(half)
        : (sorted.get(half - 1) + sorted.get(half)) / 2;
  }
}
