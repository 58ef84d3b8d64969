import RouseCore
import RouseTLS

extension TLSServerContext {
  /// A line for each certificate and revocation list that has ended or soon will: for a start, a check, and every day.
  /// - Parameter now: seconds since 1970.
  package func warnings(now: Int64) -> [String] {
    let lists = revocationPeriods.compactMap { warning($0, file: settings.clientCRLFile ?? "client_crl", now: now) }
    return [certificateWarning(now: now)].compactMap(\.self) + lists
  }

  private func certificateWarning(now: Int64) -> String? {
    let file = settings.certificateChainFile
    let end = certificateNotAfter
    if end <= now {
      return "\(file): the certificate ended on \(Moment.format(end)); clients will refuse it: replace it"
    }
    let days = floorDivide(end - now, Moment.day)
    return days < 14 ? "\(file): the certificate ends on \(Moment.format(end)), in \(days) days: replace it" : nil
  }

  private func warning(_ list: RevocationPeriod, file: String, now: Int64) -> String? {
    let name = "\(file): the revocation list of '\(list.issuer)'"
    if list.begins > now {
      return
        "\(name) begins only on \(Moment.format(list.begins)), and until then its clients are refused: check the clock"
    }
    if let end = list.ends {
      if end <= now {
        return "\(name) ended on \(Moment.format(end)), so its clients are refused: replace it by the next one"
      }
      // Lists that live for a day or a month alike are due when little of that is left.
      if end - now < (end - list.begins) / 10 {
        return "\(name) ends on \(Moment.format(end)); from then on its clients are refused: replace it by the next one"
      }
    }
    return list.isOfAnother
      ? "\(name) is of no authority in \(settings.clientCAFile ?? "client_ca"); it counts only for clients that send that "
        + "authority's certificate along" : nil
  }
}
